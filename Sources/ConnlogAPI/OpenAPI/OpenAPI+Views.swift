#if Server
/// The routes that take more than a GET: what people keep.
extension OpenAPI {
    static let viewSchemas = [
        ##"""
        "View":{"type":"object","required":["id","name","q","zone","shown"],"additionalProperties":false,"properties":{
        "id":{"type":"string"},"name":{"type":"string"},"q":{"type":"string"},"zone":{"type":"string"},
        "shown":{"type":"object","additionalProperties":{"type":"string"}}}}
        """##,
        ##"""
        "NewView":{"type":"object","required":["name","q"],"additionalProperties":false,"properties":{"id":{"type":"string"},
        "name":{"type":"string","minLength":1,"maxLength":80},"q":{"type":"string","maxLength":4096},
        "zone":{"type":"string","minLength":1,"maxLength":64},
        "shown":{"type":"object","maxProperties":16,"additionalProperties":{"type":"string","maxLength":512}}}}
        """##,
        ##"""
        "Views":{"type":"object","required":["views","built_in"],"additionalProperties":false,"properties":{
        "views":{"type":"array","items":{"$ref":"#/components/schemas/View"}},
        "built_in":{"type":"array","items":{"$ref":"#/components/schemas/View"}}}}
        """##,
        ##"""
        "Audit":{"type":"object","required":["audit"],"additionalProperties":false,"properties":{"next":{"type":"string"},
        "audit":{"type":"array","items":{"type":"object","required":["number","id","time","who","role","action","format",
        "filter","from","to","zone","rows","complete","address","user_agent","text"],"additionalProperties":false,"properties":{
        "number":{"type":"integer"},"id":{"type":"string"},"time":{"type":"string","format":"date-time"},
        "who":{"type":"string","description":"The way in and the name, such as token:jane."},"role":{"type":"string"},
        "action":{"enum":["list","export","package","stats","people","watch","details","names","audit"]},
        "format":{"type":["string","null"]},"filter":{"type":"string"},"from":{"type":["string","null"]},
        "to":{"type":["string","null"]},"zone":{"type":"string"},"rows":{"type":["integer","null"]},
        "complete":{"type":"boolean","description":"All of the answer went out."},"address":{"type":"string"},
        "user_agent":{"type":["string","null"]},"text":{"type":"string"}}}}}}
        """##,
    ]

    static let audit = path(
        "/api/v2/connectionlog/audit", "Who asked and exported what, newest first; for admins of all organizations.",
        [
            query("from", #"{"type":"string","format":"date-time"}"#, "Asked then or later."),
            query("to", #"{"type":"string","format":"date-time"}"#, "Asked before."),
            query("before", #"{"type":"string"}"#, "Goes on after the answer that had this as its 'next'."),
            query("limit", #"{"type":"integer","minimum":0,"maximum":1000}"#, "At most so many; 100 without it."),
            query("format", #"{"type":"string","enum":["json","text"]}"#, "json by itself."),
        ],
        ##"{"application/json":{"schema":{"$ref":"#/components/schemas/Audit"}},"text/plain":{"schema":{"type":"string"}}}"##,
        store)

    static let views = """
        "/api/v2/connectionlog/views":{"get":\(operation("What one keeps, and what everybody has.", "Views")),\
        "post":\(operation("Keeps a view; the answer has its id.", "View", takesView: true))}
        """

    static let view = """
        "/api/v2/connectionlog/views/{id}":{"parameters":[{"name":"id","in":"path","required":true,\
        "schema":{"type":"string","minLength":1}}],\
        "get":\(operation("A view, whoever's it is.", "View")),\
        "put":\(operation("Puts another view in its place.", "View", takesView: true)),\
        "delete":\(operation("Removes one's own.", "Object"))}
        """

    private static func operation(_ words: String, _ schema: String, takesView: Bool = false) -> String {
        let body = takesView ? ##""requestBody":{"required":true,"content":\##(json("NewView"))},"## : ""
        let failing = store + (takesView ? [("409", "Conflict")] : [])
        return """
            {"summary":"\(words)",\(body)"responses":{"200":{"description":"It is this.",\
            "content":\(json(schema))}\(failures(failing))}}
            """
    }
}
#endif
