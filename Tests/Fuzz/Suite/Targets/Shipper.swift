/// Who wraps each line into a record of JSON, by what is known of their formats.
///
/// `aside` stands where programs choose what stands there: labels, annotations, fields of their own, under the names that other
/// shippers have for the line too.
enum Shipper: CaseIterable {
    case journal, fluentBit, vector, filebeat, cloudWatch, cloudLogging, datadog, otlp, loki, splunk, stern

    /// It makes several records of a long line, and says so.
    var splits: Bool { [.journal, .fluentBit, .vector].contains(self) }

    /// - Parameters:
    ///   - line: escaped for JSON.
    ///   - isLast: no part of the same line follows.
    func record(_ line: [UInt8], _ aside: [UInt8], isLast: Bool) -> [UInt8] {
        let parts = template(isLast: isLast).split(separator: "$", omittingEmptySubsequences: false)
        var record: [UInt8] = []
        for part in parts {
            switch part {
            case "LINE": record += line
            case "ASIDE": record += aside
            default: record += Array(part.utf8)
            }
        }
        return record
    }

    private func template(isLast: Bool) -> String {
        let time = #""2025-07-03T06:57:16.157Z""#
        let kubernetes = #""kubernetes":{"pod_name":"coder-0","annotations":{"log":"$ASIDE$","message":"$ASIDE$"}}"#
        return switch self {
        case .journal:
            #"{"__CURSOR":"s=1","_BOOT_ID":"b","_TRANSPORT":"stdout","_STREAM_ID":"a","message":"$ASIDE$","CODER":"$ASIDE$","#
                + (isLast ? "" : #""_LINE_BREAK":"line-max","#) + #""MESSAGE":"$LINE$"}"#
        case .fluentBit:
            #"{"date":1.5,"stream":"stderr","_p":"\#(isLast ? "F" : "P")","log":"$LINE$",\#(kubernetes),"x":"$ASIDE$"}"#
        case .vector:
            #"{"label":{"message":"$ASIDE$"},"message":"$LINE$","source_type":"kubernetes_logs","stream":"stderr","#
                + (isLast ? "" : #""_partial":true,"#) + #""timestamp":\#(time)}"#
        case .filebeat:
            #"{"@timestamp":\#(time),"agent":{"name":"$ASIDE$"},"ecs":{},"fields":{"message":"$ASIDE$"},"message":"$LINE$"}"#
        case .cloudWatch:
            #"{"messageType":"DATA_MESSAGE","owner":"$ASIDE$","logGroup":"g","logStream":"s","#
                + #""logEvents":[{"id":"$ASIDE$","timestamp":1,"message":"$LINE$"}]}"#
        case .cloudLogging:
            #"{"logName":"l","resource":{"labels":{"pod_name":"p"}},"labels":{"message":"$ASIDE$"},"textPayload":"$LINE$"}"#
        case .datadog:
            #"{"ddsource":"coder","ddtags":"$ASIDE$","hostname":"h","service":"s","log":"$ASIDE$","message":"$LINE$"}"#
        case .otlp:
            #"{"resourceLogs":[{"resource":{"attributes":[{"key":"x","value":{"stringValue":"$ASIDE$"}}]},"scopeLogs":[{"#
                + #""logRecords":[{"attributes":[{"key":"$ASIDE$","value":{}}],"body":{"stringValue":"$LINE$"}}]}]}]}"#
        case .loki: #"{"streams":[{"stream":{"x":"$ASIDE$"},"values":[["1","$LINE$",{"y":"$ASIDE$"}]]}]}"#
        case .splunk: #"{"time":1.5,"host":"h","source":"s","fields":{"_raw":"$ASIDE$"},"event":"$LINE$"}"#
        case .stern: #"{"message":"$LINE$","podName":"p","containerName":"c","nodeName":"$ASIDE$"}"#
        }
    }
}
