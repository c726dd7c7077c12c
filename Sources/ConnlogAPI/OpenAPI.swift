/// `GET /openapi.json`.
enum OpenAPI {
    static let document = "{}"
}
