@testable import ConnlogSystem

@testable import ConnlogCore

/// One line for the scanner: it takes what RFC 8259 allows and nothing else, and finds the same fields whatever it has
/// scanned before.
enum JSONTarget {
    /// A line that teaches a scanner an order of keys.
    private static let lesson = Array(
        (#"{"ts":"2025-07-03T05:09:41.9Z","level":"INFO","msg":"connection_log","caller":"c","func":"f","#
            + #""logger_names":["coderd"],"fields":{"request_id":"r","ID":"i","OrganizationID":"o","#
            + #""WorkspaceName":"w","AgentName":"main","Type":"ssh","Code":0,"Ip":"127.0.0.1","UserAgent":"","#
            + #""UserID":null,"ConnectionID":"c","Time":"2025-07-03T05:09:41Z","ConnectionStatus":"connected"}}"#).utf8)

    static func check(_ bytes: [UInt8]) throws(Finding) {
        var fresh = EventScanner()
        var index = EventFields()
        let kind = fresh.scan(bytes.span, into: &index)
        var isMalformed = false
        if case .malformed(let fault) = kind {
            isMalformed = true
            try expect((0...bytes.count).contains(fault.position), "a fault at \(fault.position) of \(bytes.count)")
        }
        try expect(isMalformed != SlowJSON.accepts(bytes), "the scanner says \(kind), the slow parser does not")

        // What was looked at in one go, looked at in parts.
        var parts = EventScanner()
        var partsIndex = EventFields()
        try expect(parts.scanAny(bytes.span, &partsIndex) == kind, "in parts it is not \(kind)")

        var taught = EventScanner()
        var taughtIndex = EventFields()
        _ = taught.scan(lesson.span, into: &taughtIndex)
        try expect(taught.scan(bytes.span, into: &taughtIndex) == kind, "a taught scanner does not say \(kind)")
        guard kind == .connectionLog || kind == .auditLog else { return }
        for field in Field.allCases {
            let range = index[field].range
            try expect(range.lowerBound <= range.upperBound && range.upperBound <= bytes.count, "\(field) at \(range)")
            if kind == .connectionLog {
                try expect(index[field] == taughtIndex[field], "a taught scanner finds \(field) elsewhere")
                try expect(index[field] == partsIndex[field], "in parts \(field) is found elsewhere")
            }
        }
        _ = ConnectionEvent(bytes.span, index.index)
    }
}
