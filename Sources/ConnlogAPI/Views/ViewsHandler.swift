#if Server
import ConnlogCore
import HTTPTypes
import Hummingbird

/// `/api/v2/connectionlog/views`: what somebody looks at again and again, kept on the server for each person.
///
///     GET  /views            one's own, and those that everybody has
///     POST /views            {"name":"...","q":"...","zone":"...","shown":{...}} is kept; the answer has its id
///     GET  /views/{id}       one, whoever's it is: a link shares it with whoever may read
///     PUT  /views/{id}       puts another in its place
///     DELETE /views/{id}     removes it
struct ViewsHandler {
    private static let bodyMax = 32 << 10

    let files: ViewFiles
    let owner: String
    let begin: @Sendable () -> Void

    init(_ caller: Caller, _ parts: APIParts, begin: @escaping @Sendable () -> Void) throws(APIError) {
        guard let files = parts.views else { throw .notFound }
        self.files = files
        self.begin = begin
        // Whoever signs in this way today and that way tomorrow is the same person where Coder's id is known.
        owner = caller.user.map { "user:\($0.id)" } ?? caller.name
    }

    func respond(_ id: String, _ request: Request) async throws -> Response {
        do {
            switch (request.method, id.isEmpty) {
            case (.post, true): return try await save(nil, request)
            case (.put, false): return try await save(id, request)
            case (.delete, false):
                try files.remove(id, of: owner)
                return .json([:])
            case (_, true):
                return .json([
                    "views": .array(try files.views(of: owner).map(\.json)),
                    "built_in": .array(SavedView.builtIn.map(\.json)),
                ])
            case (_, false):
                if let view = SavedView.builtIn.first(where: { $0.id == id }) { return .json(view.json) }
                return .json(try files.view(id).json)
            }
        } catch let problem as ViewFiles.Problem {
            throw APIError(problem)
        }
    }

    private func save(_ id: String?, _ request: Request) async throws -> Response {
        var request = request
        begin()
        guard let body = try? await request.collectBody(upTo: ViewsHandler.bodyMax),
            let value = try? JSONValue(reading: Array(body.readableBytesView))
        else {
            throw APIError(
                status: .badRequest, message: "A view is JSON of at most \(ViewsHandler.bodyMax) bytes.",
                detail: #"Send {"name":"...","q":"..."}."#)
        }
        let view = try files.save(id, of: owner) { id throws(APIError) in try ViewsHandler.view(value, id) }
        return .json(view.json)
    }

    private static func view(_ value: JSONValue, _ id: String) throws(APIError) -> SavedView {
        let view: SavedView
        do throws(SavedView.Mistake) { view = try SavedView(value, id: id) } catch {
            throw APIError(
                status: .badRequest, message: "This view cannot be kept.",
                validations: [.init(field: error.field, detail: error.detail)])
        }
        try Question.check(view.filter, zone: try Parameters.zone(view.zone))
        return view
    }
}

extension APIError {
    fileprivate init(_ problem: ViewFiles.Problem) {
        switch problem {
        case .absent: self.init(status: .notFound, message: "There is no view of this id, or it is not yours.")
        case .tooMany(let words): self.init(status: .conflict, message: "No more views can be kept.", detail: words)
        case .disk(let words):
            self.init(
                status: .internalServerError, message: "Views cannot be read or kept now.",
                detail: "connlog's own log says why.", logged: "views: \(words)")
        }
    }
}
#endif
