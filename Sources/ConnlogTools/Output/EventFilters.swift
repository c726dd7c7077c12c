package import ConnlogCore
import ConnlogSystem

/// Filters on a command line.
package enum EventFilters {
    package static func parse(_ text: String) throws(ToolError) -> any EventFilter {
        let query: FilterQuery
        do throws(FilterErrors) {
            query = try FilterQuery(text, dialect: .connlog, now: SystemWallTime().now())
        } catch {
            throw .usage("--filter: " + QueryMistakes.text(text, error))
        }
        guard QueryFilter.undecidable(query).isEmpty else {
            throw .usage("--filter: events carry no names of users, only ids; use user_id: or owner_id:")
        }
        return QueryFilter(query)
    }
}
