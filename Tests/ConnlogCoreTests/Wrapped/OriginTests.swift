import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Any pod prints a perfect event, and any local user writes an identifier: only what a wrapper itself says is believed.
@Suite struct OriginTests {
    private static let entries = [WrappedRecordTests.human, WrappedRecordTests.json]
    private static let quoted = WrappedShape.quoted

    private func expect(
        _ line: String, _ origins: OriginConditions, isBelieved: Bool, _ location: SourceLocation = #_sourceLocation
    ) {
        let run = DecodeRun(line + "\n", origins: origins)
        #expect(run.counts.events == (isBelieved ? 1 : 0), "\(line)", sourceLocation: location)
        #expect(run.counts.foreign == (isBelieved ? 0 : 1), "\(line)", sourceLocation: location)
        #expect(run.counts.malformed.isEmpty, sourceLocation: location)
    }

    @Test func `an event of another container, namespace or log group is counted as foreign`() {
        for entry in Self.entries {
            for name in ["Fluent Bit, CRI", "Vector, Kubernetes", "Filebeat", "Cloud Logging", "OTLP", "Loki push"] {
                guard let shape = WrappedShape.texts.first(where: { $0.name == name }) else {
                    Issue.record("\(name)")
                    continue
                }
                let line = shape.wrap(entry)
                expect(line, OriginConditions(containers: ["coder"], namespaces: ["x", "coder"]), isBelieved: true)
                expect(line, OriginConditions(containers: ["dev"]), isBelieved: false)
                expect(line, OriginConditions(containers: ["coder"], namespaces: ["x"]), isBelieved: false)
                expect(line, OriginConditions(containers: ["coder"], logGroups: ["/coder"]), isBelieved: false)
            }
            let group = WrappedShape.texts.first { $0.name == "CloudWatch subscription" }
            expect(group?.wrap(entry) ?? "", OriginConditions(logGroups: ["/coder"]), isBelieved: true)
            expect(group?.wrap(entry) ?? "", OriginConditions(logGroups: ["/other"]), isBelieved: false)
        }
    }

    @Test func `a line that nobody has wrapped fits no condition`() {
        for entry in Self.entries { expect(entry, OriginConditions(units: ["coder.service"]), isBelieved: false) }
        let merged =
            #"{"stream":"stderr","_p":"F","kubernetes":{"container_name":"coder"},"# + TestEvents.line(1).dropFirst()
        expect(merged, OriginConditions(containers: ["coder"]), isBelieved: false)
    }

    @Test func `of the journal only what journald adds itself is believed`() {
        func journal(_ members: String, _ entry: String) -> String {
            #"{"__CURSOR":"s","_BOOT_ID":"b",\#(members),"MESSAGE":\#(Self.quoted(entry))}"#
        }
        for entry in Self.entries {
            let unit = OriginConditions(units: ["coder.service"])
            let own = #""_TRANSPORT":"stdout","_SYSTEMD_UNIT":"coder.service""#
            expect(journal(own, entry), unit, isBelieved: true)
            for members in [
                #""_TRANSPORT":"syslog","SYSLOG_IDENTIFIER":"coder","_SYSTEMD_UNIT":"session-1.scope""#,
                #""_TRANSPORT":"journal","_SYSTEMD_UNIT":"coder.service""#, #""_TRANSPORT":"stdout""#,
                #""_TRANSPORT":"stdout","UNIT":"coder.service","_SYSTEMD_UNIT":"user@1.service""#,
            ] {
                expect(journal(members, entry), unit, isBelieved: false)
            }
            let container = OriginConditions(containers: ["coder"])
            let docker = #""_TRANSPORT":"journal","_SYSTEMD_UNIT":"docker.service","CONTAINER_NAME":"coder""#
            expect(journal(docker, entry), container, isBelieved: true)
            for claimed in [
                docker.replacing("docker.service", with: "user@1.service"),
                docker.replacing("\"journal", with: "\"stdout"),
            ] {
                expect(journal(claimed, entry), container, isBelieved: false)
            }
        }
    }

    @Test func `a wrapper inside is believed only where the one around was asked about`() {
        for entry in Self.entries {
            let inner =
                #"{"stream":"stderr","_p":"F","log":\#(Self.quoted(entry)),"kubernetes":{"container_name":"coder"}}"#
            let line =
                #"{"messageType":"DATA_MESSAGE","logGroup":"/g","logStream":"s","logEvents":[{"message":"#
                + "\(Self.quoted(inner))}]}"
            expect(line, OriginConditions(containers: ["coder"]), isBelieved: false)
            expect(line, OriginConditions(containers: ["coder"], logGroups: ["/g"]), isBelieved: true)
            expect(line, OriginConditions(containers: ["coder"], logGroups: ["/h"]), isBelieved: false)
        }
    }

    @Test func `a key that stands there twice is nobody's word`() {
        let run = DecodeRun(
            #"{"stream":"stderr","_p":"F","log":\#(Self.quoted(TestEvents.line(1))),"kubernetes":{"container_name":"coder"},"#
                + #""kubernetes":{"container_name":"dev"}}"# + "\n", origins: OriginConditions(containers: ["coder"]))
        #expect(run.counts.malformed == [.badContainerLine: 1])
        #expect(run.counts.events == 0)
        expect(
            #"{"stream":"stderr","_p":"F","log":\#(Self.quoted(TestEvents.line(1))),"#
                + #""kubernetes":{"container_name":"coder","container_name":"dev"}}"#,
            OriginConditions(containers: ["coder"]), isBelieved: false)
    }

    @Test func `what is foreign hides no event, and ends none`() {
        func line(_ text: String, _ container: String) -> String {
            #"{"stream":"stderr","_p":"F","log":\#(Self.quoted(text)),"kubernetes":{"container_name":"\#(container)"}}"#
                + "\n"
        }
        let coder = OriginConditions(containers: ["coder"])
        // The same id in another format, so that the window might know it.
        let both = DecodeRun(line(Vectors.human[0], "dev") + line(Vectors.json[7], "coder"), origins: coder)
        #expect(both.records == [Vectors.json[7]])
        #expect(both.counts.foreign == 1)
        #expect(both.counts.duplicates == 0)
        let block = DecodeRun(
            line(WrappedRecordTests.human + " ...", "coder") + line(TestEvents.line(2), "dev")
                + line("    r= one", "coder")
                + line("       two", "coder"), origins: coder)
        #expect(block.records.count == 1)
        #expect(block.records.first?.contains(#""r":"one\ntwo""#) == true)
        #expect(block.counts.foreign == 1)
    }
}
