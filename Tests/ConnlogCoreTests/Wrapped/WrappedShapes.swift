import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Lines as those who carry them wrap them, by what is known of their formats and not of how connlog reads.
struct WrappedShape: Sendable, CustomTestStringConvertible {
    let name: String
    let format: InputFormat
    /// Taken without being named.
    let isCertain: Bool
    /// One line of the stream that holds a text.
    let wrap: @Sendable (String) -> String

    var testDescription: String { name }

    init(_ name: String, _ format: InputFormat, byName: Bool = false, _ wrap: @escaping @Sendable (String) -> String) {
        self.name = name
        self.format = format
        isCertain = !byName
        self.wrap = wrap
    }

    static func quoted(_ text: String) -> String { JSONText.quoted(text) }

    static let journalHead =
        #""__REALTIME_TIMESTAMP":"1788830349000000","__CURSOR":"s=1;i=2","_BOOT_ID":"5f0d","_TRANSPORT":"stdout","#
        + #""_STREAM_ID":"a1","_SYSTEMD_UNIT":"coder.service","#
    static let kubernetes =
        #""kubernetes":{"pod_name":"coder-0","namespace_name":"coder","container_name":"coder","pod_id":"u"}"#
    private static let time = #""time":"2025-07-03T05:09:41.929840747Z""#

    static let texts: [WrappedShape] = [
        .init("journalctl -o json", .journal) { "{\(journalHead)\"MESSAGE\":\(quoted($0))}" },
        .init("journalctl -o json-seq", .journal) { "\u{1e}{\(journalHead)\"MESSAGE\":\(quoted($0))}" },
        .init("journalctl -o json-sse", .journal) { "data: {\(journalHead)\"MESSAGE\":\(quoted($0))}" },
        .init("journal, bytes", .journal) { text in
            "{\(journalHead)\"MESSAGE\":[\(text.utf8.map { "\($0)" }.joined(separator: ","))]}"
        },
        .init("journal, two values", .journal) { "{\(journalHead)\"MESSAGE\":[\(quoted($0)),\"second\"]}" },
        .init("Fluent Bit's journal in lower case", .journal) {
            #"{"date":1788830349.1,"_boot_id":"5f","_transport":"stdout","_systemd_unit":"coder.service","message":"#
                + "\(quoted($0))}"
        },
        .init("Docker to Fluentd", .fluentd) {
            #"{"container_id":"c1","container_name":"/coder","source":"stderr","log":\#(quoted($0))}"#
        },
        .init("Fluentd's file", .fluentd) {
            "2025-07-03T05:09:41+00:00\tdocker.coder\t"
                + #"{"container_id":"c1","container_name":"/coder","source":"stderr","log":\#(quoted($0))}"#
        },
        .init("Fluentd, a record of a file", .fluentd, byName: true) {
            "2025-07-03T05:09:41+00:00\tcoder\t{\"message\":\(quoted($0))}"
        },
        .init("Fluent Bit, CRI", .fluentBit) {
            #"{\#(time),"stream":"stderr","logtag":"F","message":\#(quoted($0)),\#(kubernetes)}"#
        },
        .init("Fluent Bit, multiline CRI", .fluentBit) {
            #"{"date":1788830349.1,\#(time),"stream":"stderr","_p":"F","log":\#(quoted($0)),\#(kubernetes)}"#
        },
        .init("Fluent Bit, Docker", .fluentBit) {
            #"{"date":1788830349.1,"log":\#(quoted($0 + "\n")),"stream":"stderr",\#(time),\#(kubernetes)}"#
        },
        .init("Fluent Bit's file", .fluentBit) {
            #"kube.coder: [1788830349.1, {"stream":"stderr","_p":"F","log":\#(quoted($0))}]"#
        },
        .init("Fluent Bit, a line of a file", .fluentBit, byName: true) {
            #"{"date":1788830349.1,"log":\#(quoted($0))}"#
        },
        .init("an array", .fluentBit) {
            #"[{"date":1.5,"stream":"stderr","_p":"F","log":"text"},{"date":1.5,"stream":"stderr","_p":"F","log":"#
                + "\(quoted($0))}]"
        },
        .init("Vector, Kubernetes", .vector) {
            #"{"file":"/var/log/pods/x","kubernetes":{"container_name":"coder","pod_name":"coder-0","#
                + #""pod_namespace":"coder"},"message":\#(quoted($0)),"source_type":"kubernetes_logs","#
                + #""stream":"stderr","timestamp":"2025-07-03T05:09:41Z"}"#
        },
        .init("Filebeat", .filebeat) {
            #"{"@timestamp":"2025-07-03T05:09:41.929Z","message":\#(quoted($0)),"log":{"offset":1,"file":{"path":"/x"}},"#
                + #""input":{"type":"filestream"},"ecs":{"version":"8.0.0"},"agent":{"name":"a"},"#
                + #""kubernetes":{"namespace":"coder","container":{"name":"coder"},"pod":{"name":"coder-0"}}}"#
        },
        .init("a document of Elasticsearch", .filebeat) {
            #"{"_index":"logs","_id":"1","_source":{"@timestamp":"2025-07-03T05:09:41.929Z","message":\#(quoted($0)),"#
                + #""agent":{},"ecs":{}}}"#
        },
        .init("an answer of Elasticsearch", .filebeat) {
            #"{"took":1,"hits":{"total":1,"hits":[{"_index":"logs","_id":"1","_source":{"@timestamp":"x","message":"#
                + #"\#(quoted($0)),"agent":{},"ecs":{}}}]}}"#
        },
        .init("CloudWatch subscription", .cloudWatch) {
            #"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/coder","logStream":"s","subscriptionFilters":["f"],"#
                + #""logEvents":[{"id":"1","timestamp":1788830349000,"message":\#(quoted($0))}]}"#
        },
        .init("CloudWatch filter-log-events", .cloudWatch) {
            #"{"events":[{"logStreamName":"s","timestamp":1,"message":\#(quoted($0)),"ingestionTime":2,"eventId":"3"}],"#
                + #""searchedLogStreams":[]}"#
        },
        .init("CloudWatch event", .cloudWatch) {
            #"{"logStreamName":"s","timestamp":1,"message":\#(quoted($0)),"ingestionTime":2,"eventId":"3"}"#
        },
        .init("Cloud Logging", .cloudLogging) {
            #"{"logName":"projects/p/logs/stderr","resource":{"type":"k8s_container","labels":{"container_name":"coder","#
                + #""namespace_name":"coder","pod_name":"coder-0"}},"textPayload":\#(quoted($0)),"insertId":"i"}"#
        },
        .init("Datadog archive", .datadog) {
            #"{"_id":"AQ","date":"2025-07-03T05:09:41.929Z","host":"h","service":"coder","source":"coder","status":"info","#
                + #""tags":["a:b"],"attributes":{},"message":\#(quoted($0))}"#
        },
        .init("Datadog intake", .datadog) {
            #"{"ddsource":"coder","ddtags":"a:b","hostname":"h","service":"coder","message":\#(quoted($0))}"#
        },
        .init("OTLP", .otlp) {
            #"{"resourceLogs":[{"resource":{"attributes":[{"key":"k8s.container.name","value":{"stringValue":"coder"}},"#
                + #"{"key":"k8s.namespace.name","value":{"stringValue":"coder"}}]},"scopeLogs":[{"scope":{},"logRecords":["#
                + #"{"timeUnixNano":"1788830349000000000","body":{"stringValue":\#(quoted($0))},"attributes":[]}]}]}]}"#
        },
        .init("Loki's answer", .loki) {
            #"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"container":"coder"},"#
                + #""values":[["1788830349000000000",\#(quoted($0))]]}]}}"#
        },
        .init("Loki push", .loki) {
            #"{"streams":[{"stream":{"container":"coder","namespace":"coder"},"values":["#
                + #"["1788830349000000000",\#(quoted($0)),{"trace":"x"}]]}]}"#
        },
        .init("logcli -o jsonl", .loki) {
            #"{"labels":{"container":"coder"},"line":\#(quoted($0)),"timestamp":"2025-07-03T05:09:41Z"}"#
        },
        .init("Splunk export", .splunk) {
            #"{"preview":false,"offset":0,"lastrow":true,"result":{"_raw":\#(quoted($0)),"host":"h","source":"s"}}"#
        },
        .init("Splunk results", .splunk) {
            #"{"preview":false,"results":[{"_raw":\#(quoted($0)),"host":"h","source":"s"}]}"#
        },
        .init("Splunk HEC", .splunk) {
            #"{"time":1788830349,"host":"h","source":"s","sourcetype":"coder","event":\#(quoted($0))}"#
        },
        .init("stern -o json", .stern) {
            #"{"message":\#(quoted($0)),"nodeName":"n","namespace":"coder","podName":"coder-0","containerName":"coder"}"#
        },
        .init("stern -o extjson", .stern) { #"{"pod": "coder-0", "container": "coder", "message": \#(quoted($0))}"# },
    ]

    /// The same with fields that were parsed on the way: of one slog object.
    static let objects: [WrappedShape] = [
        .init("stern -o extjson", .stern) { #"{"pod": "coder-0", "container": "coder", "message": \#($0)}"# },
        .init("Splunk HEC", .splunk) { #"{"time":1788830349,"host":"h","sourcetype":"coder","event":\#($0)}"# },
        .init("Cloud Logging", .cloudLogging) {
            #"{"logName":"l","resource":{"labels":{}},"timestamp":"2020-01-01T00:00:00Z","jsonPayload":\#($0)}"#
        },
        .init("Filebeat", .filebeat) {
            #"{"@timestamp":"2025-07-03T05:09:41.929Z","json":\#($0),"agent":{},"ecs":{}}"#
        },
        .init("Fluent Bit", .fluentBit) { #"{"stream":"stderr","log_processed":\#($0),\#(kubernetes)}"# },
        .init("Elasticsearch", .filebeat) { #"{"_index":"logs","_id":"1","_source":\#($0)}"# },
    ]
}
