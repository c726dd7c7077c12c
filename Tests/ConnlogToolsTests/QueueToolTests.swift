import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogTools

@Suite struct QueueToolTests {
    private let golden = GoldenFolder("Golden/tools")

    private func survey(_ bench: ToolBench, reads: Bool = true) throws -> QueueSurvey {
        try QueueSurvey(bench.location.snapshot(), holder: bench.location.holder, reads: reads)
    }

    private func expect(_ text: String, is name: String, _ bench: ToolBench) {
        let difference = golden.case(name, input: "What the command prints about the queue of ToolBench.\n")
            .difference(from: text.replacing(bench.directory, with: "DATA"))
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test func `a good queue, for people and for programs`() async throws {
        let bench = try ToolBench()
        await (try bench.fill()).close()
        let survey = try survey(bench)
        expect(survey.verdict, is: "verify.txt", bench)
        expect(survey.overview, is: "inspect.txt", bench)
        expect(survey.json.document, is: "inspect-json.txt", bench)
        expect(try self.survey(bench, reads: false).overview, is: "inspect-quick.txt", bench)
        #expect(!survey.isDamaged && survey.holder == nil)
        #expect(try JSONSerialization.jsonObject(with: Data(survey.json.document.utf8)) is [String: Any])
    }

    @Test func `a damaged queue, for people and for programs`() async throws {
        let bench = try ToolBench()
        await (try bench.fill()).close()
        try bench.damage(bench.segments[1], at: 500)
        try bench.damage(bench.segments[2], at: 3)
        // Both slots.
        try bench.damage("offsets", at: 20)
        try bench.damage("offsets", at: 4096 + 20)
        try bench.write("what was damaged before", to: "queue/quarantine/00000000000000000000.seg-64")
        let survey = try survey(bench)
        #expect(survey.isDamaged && survey.lostEvents == 1)
        expect(survey.verdict, is: "verify-damaged.txt", bench)
        expect(survey.json.document, is: "verify-damaged-json.txt", bench)
    }

    @Test func `a queue in use says by whom`() async throws {
        let bench = try ToolBench()
        let queue = try await bench.fill()
        let survey = try survey(bench)
        #expect(survey.holder == Machine.processID && survey.events == 12 && !survey.isDamaged)
        #expect(survey.overview.contains("in use by   process \(Machine.processID)\n"))
        await queue.close()
    }

    @Test func `a queue that is not there is an error that says what to look at`() throws {
        let bench = try ToolBench()
        let error = #expect(throws: ToolError.self) { try bench.location.snapshot() }
        #expect(
            error?.description.hasSuffix("queue does not exist; is data_dir right, and has connlog run with it yet?")
                == true)
        #expect(error?.status == .failed)
    }

    // MARK: - Export

    private func export(_ bench: ToolBench, _ change: (inout QueueExport.Options) throws -> Void) throws -> [String] {
        var options = QueueExport.Options()
        try change(&options)
        var export = QueueExport(try bench.location.snapshot(), options)
        var text = ""
        try export.run { lines in
            text += lines.text
            return true
        }
        let lines = text.split(separator: "\n").map(String.init)
        #expect(export.events == UInt64(lines.count))
        return lines
    }

    @Test func `export gives the events as they were received, all or a part`() async throws {
        let bench = try ToolBench()
        await (try bench.fill()).close()
        let all = (0..<12).map { ToolBench.line($0, type: $0 % 3 == 0 ? "vscode" : "ssh") }
        #expect(try export(bench) { _ in } == all)
        #expect(try export(bench) { $0.offsets = 3..<6 } == Array(all[3..<6]))
        #expect(
            try export(bench) { $0.times = TimeRange(from: ToolBench.minute(4), to: ToolBench.minute(9)) }
                == Array(all[4..<9]))
        #expect(try export(bench) { $0.filter = try EventFilters.parse("type:vscode") }.count == 4)
        #expect(
            try export(bench) { $0.offsets = try bench.location.snapshot().sink("siem").committed..<UInt64.max }
                == Array(all[5...]))
        let numbered = try export(bench) { options in
            options.addsOffsets = true
            options.offsets = 7..<8
        }
        #expect(numbered == [#"{"offset":7,"record":\#(all[7])}"#])
    }

    @Test func `export goes past damage and says what is missing`() async throws {
        let bench = try ToolBench()
        await (try bench.fill()).close()
        try bench.damage(bench.segments[1], at: 500)
        var export = QueueExport(try bench.location.snapshot(), QueueExport.Options())
        try export.run { _ in true }
        #expect(export.events == 11 && export.losses.count == 1)
        #expect(export.losses.first?.contains("\(bench.segments[1]) at byte") == true)
    }

    // MARK: - Forgetting a sink

    @Test func `a sink is forgotten only when nobody uses the queue and somebody means it`() async throws {
        let bench = try ToolBench()
        let queue = try await bench.fill()
        let location = bench.location
        await #expect(throws: ToolError.self) {
            try await SinkRemoval("nobody", at: location, configured: nil).run(isSure: true)
        }
        let busy = await #expect(throws: ToolError.self) {
            try await SinkRemoval("splunk", at: location, configured: nil).run(isSure: true)
        }
        #expect(busy?.description.hasPrefix("process \(Machine.processID) is at work on") == true)
        #expect(
            busy?.description.contains("take sink 'splunk' out of its configuration, stop it, run this again") == true)
        await queue.close()
        let unsure = await #expect(throws: ToolError.self) {
            try await SinkRemoval("splunk", at: location, configured: nil).run(isSure: false)
        }
        #expect(unsure?.description.hasPrefix("12 events would be given up") == true && unsure?.status == .usage)
        await #expect(throws: ToolError.self) {
            try await SinkRemoval("splunk", at: location, configured: ["splunk"]).run(isSure: true)
        }
        #expect(try location.snapshot().sinks.map(\.name).sorted() == ["siem", "splunk"])
        let said = try await SinkRemoval("splunk", at: location, configured: ["siem"]).run(isSure: true)
        #expect(said.hasPrefix("sink 'splunk' is forgotten, and 12 events"))
        #expect(try location.snapshot().sinks.map(\.name) == ["siem"])
        // Its segments go with the next start, since nobody needs them.
        await (try bench.open()).close()
        #expect(try location.snapshot().oldest > 0)
    }
}
