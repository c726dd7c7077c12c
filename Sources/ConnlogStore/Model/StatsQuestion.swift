/// What somebody wants to have counted of the connections that match a query, over exactly one range.
package struct StatsQuestion: Sendable {
    /// Of the histogram and of what was open at once.
    package var range: Range<Microseconds>
    /// Only connections that began in the range are counted; else all that match, which then have a range of their own.
    package var isBounded: Bool
    /// Where each bucket begins, rising; the first at the range's beginning or before it.
    package var buckets: [Microseconds]
    package var facets: Set<Facet>
    /// So many values of a facet are given.
    package var limit: Int
    /// As of when connections are open or lost.
    package var bounds: StateBounds

    package init(
        range: Range<Microseconds>, isBounded: Bool = true, buckets: [Microseconds], facets: Set<Facet> = [],
        limit: Int, bounds: StateBounds = .none
    ) {
        (self.range, self.isBounded, self.buckets) = (range, isBounded, buckets)
        (self.facets, self.limit, self.bounds) = (facets, limit, bounds)
    }
}

/// What connections can be told apart by.
package enum Facet: String, Sendable, CaseIterable {
    case outcome, type
    /// Who it was, recorded or inferred.
    case person
    /// Whom the event itself names.
    case user
    case owner, workspace, ip, organization, client
}

/// How a connection went.
package enum Outcome: String, Sendable, CaseIterable {
    /// Of the web with a status below 400; of an agent, ended with exit code 0 or none.
    case ok
    /// Of the web, 401 or 403.
    case refused
    /// Of the web, any other status from 400 on.
    case failed
    /// Of an agent, ended with another exit code.
    case exit
    // Of an agent, without an end.
    case open, unconfirmed, lost
}
