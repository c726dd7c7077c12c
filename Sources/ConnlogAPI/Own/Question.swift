#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import HTTPTypes

/// What every question to the store needs: the store, the query, and how rows are written.
struct Question {
    let store: ConnectionStore
    let query: RowQuery
    let json: RowJSON
    let names: any Names
    let filter: FilterQuery

    /// - Parameter dialect: Coder's own where a client of Coder asks.
    init(
        _ parameters: Parameters, _ caller: Caller, _ parts: APIParts, dialect: FilterDialect, now: Nanoseconds
    ) throws(APIError) {
        guard caller.role.mayRead else { throw .forbidden }
        guard let holder = parts.store else {
            throw APIError(
                status: .notFound, message: "Route not found.", detail: "This connlog has no [store] to answer from.")
        }
        guard let store = holder.store else {
            throw APIError(
                status: .serviceUnavailable, message: "The store is not open yet.",
                detail: "connlog's own log says why, if it stays so.", headers: [.retryAfter: "1"])
        }
        filter = try Question.filter(parameters["q"] ?? "", dialect, now)
        self.store = store
        names = parts.names
        query = caller.query(filter, parts.names)
        let lost = holder.lostAfter.map { Microseconds(nanoseconds: now).advanced(by: .zero - $0) }
        json = RowJSON(names: parts.names, lostBefore: lost, isExtended: dialect == .connlog)
    }

    private static func filter(
        _ text: String, _ dialect: FilterDialect, _ now: Nanoseconds
    ) throws(APIError) -> FilterQuery {
        do throws(FilterErrors) {
            return try FilterQuery(text, dialect: dialect, now: now)
        } catch {
            let validations = error.all.map {
                APIError.Validation(
                    field: $0.field, detail: $0.detail, range: dialect == .connlog ? $0.range : nil)
            }
            throw APIError(
                status: .badRequest, message: "Invalid connection search query.", validations: validations)
        }
    }

    /// Asks the store; what goes wrong there is the server's fault.
    static func ask<Value>(_ what: () async throws(StoreProblem) -> Value) async throws(APIError) -> Value {
        do throws(StoreProblem) {
            return try await what()
        } catch {
            throw APIError(
                status: .internalServerError, message: "Internal error fetching connection logs.",
                detail: error.description)
        }
    }

    /// The place after which a list goes on.
    static func cursor(_ parameters: Parameters, _ name: String = "after") throws(APIError) -> RowPosition? {
        guard let text = parameters[name] else { return nil }
        guard let position = RowPosition(text) else {
            throw Parameters.invalid(name, "is no cursor of this list")
        }
        return position
    }
}
#endif
