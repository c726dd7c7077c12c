#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import HTTPTypes

/// As of when connections without an end are open or lost.
enum StateClock {
    case now
    case time(Microseconds)
    /// As of now if the filter asks for that, or has times before now. Else they are `ongoing`, whenever somebody asks.
    case ifAsked
}

/// What every question to the store needs: the store, the query, and how rows are written.
struct Question {
    let store: ConnectionStore
    var query: RowQuery
    let json: RowJSON
    let names: any Names
    /// As it was asked.
    let text: String
    let filter: FilterQuery
    /// By whose clocks days and times of day are meant.
    let zone: Zone
    let asker: Asker
    /// How long a list may look for rows.
    let lookLimit: Duration
    /// How long looking for reasons may take where nothing was found.
    let reasonsLimit: Duration

    /// With more, reading the rows would take longer than anybody waits.
    private static let termsMax = 100

    /// - Parameters:
    ///   - dialect: Coder's own where a client of Coder asks.
    ///   - now: what times before now are counted from.
    ///   - clock: as of when connections without an end are open or lost.
    init(
        _ parameters: Parameters, _ asker: Asker, _ parts: APIParts, dialect: FilterDialect, now: Nanoseconds,
        by clock: StateClock = .now
    ) throws(APIError) {
        let holder = try Question.holder(parts)
        let store = try Question.store(parts)
        zone = try dialect == .connlog ? parameters.zone() : .utc
        text = parameters["q"] ?? ""
        filter = try Question.filter(text, dialect, now, zone)
        self.store = store
        self.asker = asker
        (lookLimit, reasonsLimit) = (parts.lookLimit, parts.reasonsLimit)
        names = parts.names
        let bounds =
            switch clock {
            case .now: holder.bounds()
            case .time(let time): holder.bounds(asOf: time)
            case .ifAsked: filter.isMoving ? holder.bounds(asOf: Microseconds(nanoseconds: now)) : .none
            }
        query = asker.caller.query(filter, parts.names, bounds)
        json = RowJSON(names: parts.names, bounds: bounds, isExtended: dialect == .connlog, seal: asker.seal)
        asker.audit?.note(self)
    }

    private static func holder(_ parts: APIParts) throws(APIError) -> StoreHolder {
        if let holder = parts.store { return holder }
        throw APIError(
            status: .notFound, message: "Route not found.", detail: "This connlog has no [store] to answer from.")
    }

    /// What is asked, if there is one.
    static func store(_ parts: APIParts) throws(APIError) -> ConnectionStore {
        if let store = try holder(parts).store { return store }
        throw APIError(
            status: .serviceUnavailable, message: "The store is not open yet.",
            detail: "connlog's own log says why, if it stays so.", headers: [.retryAfter: "1"])
    }

    /// Whether a filter could be asked.
    static func check(_ text: String, zone: Zone) throws(APIError) {
        _ = try filter(text, .connlog, SystemWallTime().now(), zone)
    }

    private static func filter(
        _ text: String, _ dialect: FilterDialect, _ now: Nanoseconds, _ zone: Zone
    ) throws(APIError) -> FilterQuery {
        // Each of them is a part of a filter, whatever the language makes of it.
        guard text.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x2c }).count <= termsMax else {
            throw APIError(
                status: .badRequest, message: "Invalid connection search query.",
                validations: [.init(field: "q", detail: "At most \(termsMax) words and values.")])
        }
        do throws(FilterErrors) {
            return try FilterQuery(text, dialect: dialect, now: now, zone: zone)
        } catch {
            let validations = error.all.map {
                APIError.Validation(
                    field: $0.field, detail: $0.detail, range: dialect == .connlog ? $0.range : nil)
            }
            throw APIError(
                status: .badRequest, message: "Invalid connection search query.", validations: validations)
        }
    }

    /// Asks the store while somebody waits for it.
    func ask<Value: Sendable>(_ what: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await Question.ask(asker.client, what)
    }

    /// Asks the store; what goes wrong there is the server's fault, and where its files lie is nobody's business.
    static func ask<Value: Sendable>(
        _ client: ClientConnection?, _ what: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            guard let client else { return try await what() }
            return try await client.whileThere(what)
        } catch let problem as StoreProblem {
            throw APIError(problem: problem)
        }
    }

    /// The place after which a list goes on.
    func cursor(_ parameters: Parameters, _ name: String = "after") throws(APIError) -> RowPosition? {
        guard let text = parameters[name] else { return nil }
        guard let position = RowPosition(text) else {
            throw Parameters.invalid(name, "is no cursor of this list")
        }
        return asker.seal?.open(position) ?? position
    }
}

extension APIError {
    /// The store's own words may name files, which is nobody's business who asks.
    init(problem: StoreProblem) {
        let (status, message): (HTTPTypes.HTTPResponse.Status, String) =
            switch problem.kind {
            case .question: (.badRequest, "Invalid connection search query.")
            case .absent, .replaced: (.serviceUnavailable, "The store is not open yet.")
            case .tooLong: (.serviceUnavailable, "The question took too long.")
            case .other, .damage, .diskFull, .diskLow, .cancelled:
                (.internalServerError, "Internal error fetching connection logs.")
            }
        self.init(status: status, message: message, detail: problem.publicText, logged: problem.description)
    }
}
#endif
