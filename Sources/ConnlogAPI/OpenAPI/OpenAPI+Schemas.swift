#if Server
extension OpenAPI {
    static let schemas = coder + own

    private static let coder = [
        #"""
        "Object":{"type":"object"}
        """#,
        #"""
        "Error":{"type":"object","required":["message"],"additionalProperties":false,"properties":{"message":{"type":"string"},
        "detail":{"type":"string"},"validations":{"type":"array","items":{"type":"object","required":["field","detail"],
        "additionalProperties":false,"properties":{"field":{"type":"string"},"detail":{"type":"string"},
        "start":{"type":"integer","description":"Where in q, in bytes."},"end":{"type":"integer"}}}}}}
        """#,
        #"""
        "Organization":{"type":"object","required":["id","name","display_name","icon"],"additionalProperties":false,
        "properties":{"id":{"type":"string"},"name":{"type":"string"},"display_name":{"type":"string"},"icon":{"type":"string"}}}
        """#,
        #"""
        "User":{"type":"object","required":["id","username","name","email"],"properties":{"id":{"type":"string"},
        "username":{"type":"string"},"name":{"type":"string"},"avatar_url":{"type":"string"},"email":{"type":"string"},
        "created_at":{"type":"string","format":"date-time"},"updated_at":{"type":"string","format":"date-time"},
        "last_seen_at":{"type":"string","format":"date-time"},"status":{"type":"string"},"login_type":{"type":"string"},
        "organization_ids":{"type":"array","items":{"type":"string"}},"roles":{"type":"array","items":{"type":"object"}}}}
        """#,
        #"""
        "WebInfo":{"type":"object","required":["user_agent","user","slug_or_port","status_code"],"additionalProperties":false,
        "properties":{"user_agent":{"type":"string"},"user":{"oneOf":[{"$ref":"#/components/schemas/User"},{"type":"null"}]},
        "slug_or_port":{"type":"string"},"status_code":{"type":"integer"}}}
        """#,
        #"""
        "SSHInfo":{"type":"object","required":["connection_id"],"additionalProperties":false,"properties":{
        "connection_id":{"type":"string"},"disconnect_time":{"type":"string","format":"date-time"},
        "disconnect_reason":{"type":"string","minLength":1},"exit_code":{"type":"integer"},
        "client_session_id":{"type":"string","pattern":"^[0-9a-f]{32}$"}}}
        """#,
        #"""
        "ConnectionLog":{"type":"object","required":["id","connect_time","organization","workspace_owner_id",
        "workspace_owner_username","workspace_id","workspace_name","agent_name","type","connection_method"],
        "additionalProperties":false,"oneOf":[{"required":["web_info"]},{"required":["ssh_info"]}],"properties":{
        "id":{"type":"string"},"connect_time":{"type":"string","format":"date-time"},
        "organization":{"$ref":"#/components/schemas/Organization"},"workspace_owner_id":{"type":"string"},
        "workspace_owner_username":{"type":"string"},"workspace_id":{"type":"string"},"workspace_name":{"type":"string"},
        "agent_name":{"type":"string"},"ip":{"type":"string"},"type":{"type":"string"},"connection_method":{"type":"string"},
        "app_name":{"type":"string"},"app_display_name":{"type":"string"},"web_info":{"$ref":"#/components/schemas/WebInfo"},
        "ssh_info":{"$ref":"#/components/schemas/SSHInfo"},"connlog":{"$ref":"#/components/schemas/Own"}}}
        """#,
        #"""
        "ConnectionLogResponse":{"type":"object","required":["connection_logs","count","count_cap"],"additionalProperties":false,
        "properties":{"connection_logs":{"type":"array","items":{"$ref":"#/components/schemas/ConnectionLog"}},
        "count":{"type":"integer","description":"Exact up to count_cap; one more says that there are more; exact where count_cap is 0. With connlog=true at least so many where count_exact is false."},
        "count_cap":{"type":"integer"},"count_exact":{"type":"boolean","description":"With connlog=true: there are so many, whatever count_cap says."},
        "warnings":{"$ref":"#/components/schemas/Warnings"},
        "is_complete":{"type":"boolean","description":"With connlog=true: false where time was up before the page was full; 'next' goes on looking."},
        "looked_back_to":{"type":"string","format":"date-time","description":"Where is_complete is false: all that began after it were looked at."},
        "next":{"type":"string","description":"With connlog=true: 'after' of the next page."}}}
        """#,
    ]

    private static let own = [
        #"""
        "Own":{"type":"object","required":["status","events","person","person_id","person_basis","person_candidates","cursor"],"additionalProperties":false,"properties":{
        "status":{"enum":["open","unconfirmed","lost","completed","start_unknown","none"]},"duration_ms":{"type":"integer"},"events":{"type":"integer"},
        "client_session_id":{"type":"string"},"type_text":{"type":"string"},"cursor":{"type":"string"},
        "person":{"type":["string","null"],"description":"Who it was: the user's name, or the id of one whom no directory knows."},
        "person_id":{"type":["string","null"]},
        "person_basis":{"type":"string","pattern":"^(recorded|session|only_candidate|nearest_of_[0-9]+|none)$",
        "description":"recorded: the event names the user. Else it is inferred: by a row of the same client session, or by the users who were let in to the same agent before."},
        "person_candidates":{"type":"array","maxItems":20,"description":"The nearest first.","items":{"$ref":"#/components/schemas/Candidate"}},
        "person_candidates_cut":{"const":true,"description":"More came in than are looked at: there may be other candidates."}}}
        """#,
        #"""
        "Candidate":{"type":"object","required":["person","person_id","row","time","type"],"additionalProperties":false,"properties":{
        "person":{"type":"string"},"person_id":{"type":"string"},"row":{"type":["string","null"],
        "description":"The id of the row by which it may have been that user."},"time":{"type":"string","format":"date-time"},
        "type":{"type":"string"}}}
        """#,
        #"""
        "Details":{"type":"object","required":["connection_log","events"],"additionalProperties":false,"properties":{
        "connection_log":{"$ref":"#/components/schemas/ConnectionLog"},"events":{"type":"array","items":{"type":"object",
        "required":["number","line"],"additionalProperties":false,"properties":{"number":{"type":"integer"},
        "line":{"type":"string"}}}}}}
        """#,
        #"""
        "Counts":{"type":"object","additionalProperties":{"type":"integer"}}
        """#,
        #"""
        "Top":{"type":"array","items":{"type":"object","required":["id","count"],"additionalProperties":false,"properties":{
        "id":{"type":"string"},"name":{"type":"string"},"username":{"type":"string"},"count":{"type":"integer"}}}}
        """#,
        #"""
        "Warnings":{"type":"array","description":"With connlog=true: what the answer does not show, such as a name that nobody has.","items":{"type":"object",
        "required":["field","detail","nearest"],"additionalProperties":false,"properties":{"field":{"type":"string"},
        "detail":{"type":"string"},"nearest":{"type":"array","items":{"type":"string"}},
        "start":{"type":"integer","description":"Where in q, in bytes."},"end":{"type":"integer"}}}}
        """#,
        #"""
        "Facet":{"type":"object","required":["distinct","without","is_exact","values"],"additionalProperties":false,"properties":{
        "distinct":{"type":"integer"},"without":{"type":"integer","description":"Connections that have no value."},
        "is_exact":{"type":"boolean"},"values":{"type":"array","items":{"type":"object",
        "required":["value","name","count","filter"],"additionalProperties":false,"properties":{"value":{"type":"string"},
        "name":{"type":"string"},"owner":{"type":"string","description":"The name of a workspace's owner."},
        "count":{"type":"integer"},"filter":{"type":["string","null"],"description":"What asks for this value alone."}}}}}}
        """#,
        #"""
        "People":{"type":"object","required":["from","to","zone","count","without","is_exact","people","warnings"],
        "additionalProperties":false,"properties":{"from":{"type":"string","format":"date-time"},
        "to":{"type":"string","format":"date-time"},"zone":{"type":"string"},
        "count":{"type":"integer","description":"How many people there are, whatever the limit."},
        "without":{"type":"integer","description":"Connections of which nobody can be named."},"is_exact":{"type":"boolean"},
        "warnings":{"$ref":"#/components/schemas/Warnings"},"people":{"type":"array","items":{"type":"object",
        "required":["id","username","connections","refused","failed","seconds","workspaces","addresses","first_seen","last_seen",
        "filter"],"additionalProperties":false,"properties":{"id":{"type":"string"},"username":{"type":"string"},
        "connections":{"type":"integer"},"refused":{"type":"integer"},"failed":{"type":"integer"},
        "seconds":{"type":"integer","description":"How long those lasted that have a beginning and an end."},
        "workspaces":{"type":"integer"},"addresses":{"type":"integer"},
        "first_seen":{"type":"string","format":"date-time"},"last_seen":{"type":"string","format":"date-time"},
        "filter":{"type":["string","null"]}}}}}}
        """#,
        #"""
        "Stats":{"type":"object","required":["from","to","zone","interval_seconds","count","types","buckets","durations","concurrent",
        "concurrent_seconds","warnings"],"additionalProperties":false,"properties":{"from":{"type":"string","format":"date-time"},
        "to":{"type":"string","format":"date-time"},"zone":{"type":"string"},"interval_seconds":{"type":"integer"},"count":{"type":"integer"},
        "concurrent_seconds":{"type":"integer","description":"Two that were both open in so many seconds were open at once."},
        "facets":{"type":"object","additionalProperties":{"$ref":"#/components/schemas/Facet"}},
        "warnings":{"$ref":"#/components/schemas/Warnings"},
        "types":{"$ref":"#/components/schemas/Counts"},"buckets":{"type":"array","items":{"type":"object",
        "required":["time","types"],"additionalProperties":false,"properties":{"time":{"type":"string","format":"date-time"},
        "types":{"$ref":"#/components/schemas/Counts"}}}},"durations":{"type":"array","items":{"type":"object",
        "required":["label","count"],"additionalProperties":false,"properties":{"label":{"type":"string"},
        "count":{"type":"integer"}}}},"concurrent":{"type":"array","items":{"type":"object","required":["time","count"],
        "additionalProperties":false,"properties":{"time":{"type":"string","format":"date-time"},"count":{"type":"integer"}}}},
        "users":{"$ref":"#/components/schemas/Top"},
        "workspace_owners":{"$ref":"#/components/schemas/Top"},"workspaces":{"$ref":"#/components/schemas/Top"}}}
        """#,
        #"""
        "Ingested":{"type":"object","required":["accepted","duplicates","skipped","refused","foreign","incomplete","bytes","refusals"],
        "additionalProperties":false,"properties":{"accepted":{"type":"integer"},"duplicates":{"type":"integer"},
        "skipped":{"type":"integer","description":"Lines that are no connection events."},"refused":{"type":"integer"},
        "foreign":{"type":"integer","description":"Events of origins that the source does not believe."},
        "incomplete":{"type":"integer","description":"Accepted events of which a wrapper had lost fields."},
        "bytes":{"type":"integer"},"refusals":{"type":"array","description":"The first hundred.","items":{"type":"object",
        "required":["line","reason"],"additionalProperties":false,"properties":{"line":{"type":"integer"},
        "reason":{"type":"string"}}}}}}
        """#,
    ]
}
#endif
