#if Server
/// `GET /openapi.json`: what there is to ask for, in OpenAPI 3.1. The tests hold every answer against it.
enum OpenAPI {
    /// - Parameters:
    ///   - overview: whose figures are described: those of the parts that there are.
    ///   - own: the server's.
    static func document(_ overview: Overview, _ own: Metrics.Own) -> String {
        head + "\"schemas\":{" + (schemas + viewSchemas + [status(overview, own)]).joined(separator: ",\n") + "}}}\n"
    }

    private static let head = """
        {"openapi":"3.1.0",
        "info":{"title":"connlog","version":"1","license":{"name":"see LICENSE"},
        "description":"Coder's API for connection logs, and connlog's own on top of it. Times are RFC 3339 in UTC."},
        "security":[{"token":[]},{"bearer":[]}],
        "paths":{\(paths.joined(separator: ",\n"))},
        "components":{\(securitySchemes),
        "parameters":{\(parameters.joined(separator: ",\n"))},
        "responses":{\(responses.joined(separator: ",\n"))},

        """

    private static let securitySchemes = #"""
        "securitySchemes":{"token":{"type":"apiKey","in":"header","name":"Coder-Session-Token"},
        "bearer":{"type":"http","scheme":"bearer"}}
        """#

    private static let parameters = [
        #"""
        "q":{"name":"q","in":"query","description":"A filter: Coder's language, and unless a client of Coder asks, connlog's additions.","schema":{"type":"string"}}
        """#,
        #"""
        "zone":{"name":"zone","in":"query","description":"An IANA time zone, by whose clocks hour:, day: and times without an offset are meant; UTC without it.","schema":{"type":"string","examples":["Europe/Berlin"]}}
        """#,
        #"""
        "limit":{"name":"limit","in":"query","description":"At most so many rows.","schema":{"type":"integer","minimum":0,"maximum":2147483647}}
        """#,
        #"""
        "offset":{"name":"offset","in":"query","description":"So many rows are passed over; costs time for each.","schema":{"type":"integer","minimum":0,"maximum":2147483647}}
        """#,
    ]

    private static let responses =
        [
            ("BadRequest", "Something in the request is wrong; validations say what."),
            ("Unauthorized", "No token, or one that is not good."),
            ("Forbidden", "The token is not for this."),
            ("NotFound", "There is no such thing, or nothing here to answer it."),
            ("MethodNotAllowed", "Another method is meant; see Allow."),
            ("Conflict", "There are too many."),
            ("TooSlow", "The body comes too slowly."),
            ("TooLarge", "The body is too large."),
            (
                "UnsupportedMediaType",
                "The body is packed in a way that is not known, or of a kind that forms of other sites can send."
            ),
            ("TooManyRequests", "Later; see Retry-After."),
            ("Internal", "Something broke; the detail says what."),
            ("Unavailable", "Not now; see Retry-After if it is there."),
        ].map { name, words in
            """
            "\(name)":{"description":"\(words)","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}}}
            """
        }
}
#endif
