import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// Lines behind a container's name, and files named after one.
@Suite struct NamedLineTests {
    private static let human = WrappedRecordTests.human
    private static let json = WrappedRecordTests.json
    private static let coder = OriginConditions(containers: ["coder"])

    private static let prefixes: [(InputFormat, String, String)] = [
        (.kubectl, "[pod/coder-0/coder] ", "[pod/dev-0/dev] "), (.compose, "coder    | ", "dev      | "),
        (.stern, "coder-0 coder ", "dev-0 dev "),
    ]

    private func events(_ text: String, _ format: InputFormat, _ origins: OriginConditions = coder) -> DecodeCounts {
        DecodeRun(text, format: format, origins: origins).counts
    }

    @Test func `the name in front of a line is its origin where format says so, and nowhere else`() {
        for (format, own, other) in Self.prefixes {
            for entry in [Self.human, Self.json] {
                let text = "\(own)\(entry)\n\(other)\(entry.replacing("ID=a", with: "ID=b"))\n"
                let counts = events(text, format)
                #expect(counts.events == 1 && counts.foreign == 1 && counts.malformed.isEmpty, "\(format) \(counts)")
                #expect(events(own + entry, format).events == 1, "\(format), no line feed")
                #expect(events(text, .auto).events == 0, "\(format)")
                #expect(events("\(own)\(entry)\n", format, OriginConditions()).events == 1)
            }
        }
    }

    @Test func `a block goes on behind the same name, whoever writes in between`() {
        for (format, own, other) in Self.prefixes {
            let text =
                "\(own)\(Self.human) ...\n\(other)    x\n\(own)    DisconnectReason= one\n\(other)\(Self.json)\n"
                + "\(own)                      two\n\(own)\n"
            let run = DecodeRun(text, format: format, origins: Self.coder)
            #expect(run.counts.events == 1, "\(format) \(run.counts)")
            #expect(run.records.allSatisfy { $0.contains("two") && !$0.contains("x") }, "\(format) \(run.records)")
        }
    }

    @Test func `no text behind a name passes for another name`() {
        for (format, own, other) in Self.prefixes {
            for entry in [Self.human, Self.json] {
                for text in [
                    "\(other)\(own)\(entry)", "\(other)x \(own)\(entry)", " \(own)\(entry)", "x \(own)\(entry)",
                    "\(other)coder \(entry)", "\(other)coder coder \(entry)", "\(other)\r\(own)\(entry)",
                    "\(own) \(entry)", "\(entry)",
                ] {
                    #expect(events(text + "\n", format).events == 0, "\(format): \(text)")
                }
            }
        }
    }

    @Test func `with a namespace asked for stern names it first`() {
        let origins = OriginConditions(containers: ["coder"], namespaces: ["coder"])
        #expect(events("coder coder-0 coder \(Self.json)\n", .stern, origins).events == 1)
        for text in ["coder-0 coder \(Self.json)", "dev coder coder \(Self.json)", "dev-0 dev coder \(Self.json)"] {
            #expect(events(text + "\n", .stern, origins).events == 0, "\(text)")
        }
        // Without, a pod's text is no container's name.
        #expect(events("dev dev-0 coder \(Self.json)\n", .stern).events == 0)
    }

    @Test func `a line without its name cannot be read`() {
        for (format, own, _) in Self.prefixes {
            let counts = events("\(own)text\n\nchatter\n\(own)\n", format)
            #expect(counts.malformed == [.badContainerLine: 1], "\(format) \(counts)")
        }
    }

    @Test(arguments: [1, 254, 255, 256, 5000])
    func `a name has 255 characters at most, and a line behind a longer one is none of coderd's`(length: Int) {
        let name = String(repeating: "n", count: length)
        let origins = OriginConditions(containers: [name])
        for (format, own) in [
            (InputFormat.kubectl, "[pod/coder-0/\(name)] "), (.kubectl, "[pod/\(name)/\(name)] "),
            (.compose, "\(name) | "), (.stern, "\(name) \(name) "),
        ] {
            let counts = events("\(own)\(Self.json)\n", format, origins)
            #expect(counts.events == (length > 255 ? 0 : 1), "\(format) \(counts)")
            #expect(counts.malformed == (length > 255 ? [.badContainerLine: 1] : [:]), "\(format) \(counts)")
        }
    }

    // MARK: Files

    private static let id = String(repeating: "0123456789abcdef", count: 4)

    @Test(arguments: [
        "/var/log/containers/coder-0_ns_coder-\(id).log", "/host/var/log/containers/a.b_ns_coder-\(id).log",
        "/var/log/pods/ns_coder-0_5e1d/coder/0.log", "/var/log/pods/ns_coder-0_5e1d/coder/12.log.20260908-011909",
    ])
    func `a file that the kubelet has named is believed by its name`(path: String) {
        for text in ["2025-07-03T05:09:41.929840747Z stderr F \(Self.json)\n", WrappedShape.docker(Self.json) + "\n"] {
            for (origins, isBelieved) in [
                (OriginConditions(containers: ["coder"], namespaces: ["ns"]), true), (Self.coder, true),
                (OriginConditions(containers: ["dev"]), false), (OriginConditions(namespaces: ["coder"]), false),
                (OriginConditions(units: ["coder.service"], containers: ["coder"]), false),
            ] {
                var decoder = EventDecoder(origins: origins)
                decoder.isOfFile(path)
                var batch = EventBatch()
                batch.bytes.append(contentsOf: Array(text.utf8))
                _ = decoder.decode(0..<batch.bytes.count, in: &batch, isEnd: true)
                #expect(batch.count == (isBelieved ? 1 : 0), "\(path) \(origins)")
                #expect(decoder.takeCounts().foreign == (isBelieved ? 0 : 1))
            }
        }
    }

    @Test func `what no runtime has wrapped is not believed in such a file either`() {
        var decoder = EventDecoder(origins: Self.coder)
        decoder.isOfFile("/var/log/containers/coder-0_ns_coder-\(Self.id).log")
        var batch = EventBatch()
        batch.bytes.append(contentsOf: Array((Self.json + "\n").utf8))
        _ = decoder.decode(0..<batch.bytes.count, in: &batch, isEnd: true)
        #expect(batch.count == 0 && decoder.takeCounts().foreign == 1)
    }

    @Test(arguments: [
        "", "/", "coder.log", "/var/log/containers/coder-0_ns_coder.log", "/x/coder_ns-\(id).log",
        "/x/a_coder-0_ns_coder-\(id).log", "/x/_ns_coder-\(id).log", "/x/p_ns_-\(id).log", "/x/p_ns_coder-\(id).log.1",
        "/x/p_ns_coder-\(id.uppercased()).log", "/x/p_ns_coder-\(id)0.log", "/x/p_ns_co der-\(id).log",
        "/x/ns_coder-0/coder/0.log", "/x/ns_coder-0_/coder/0.log", "/x/ns_coder-0_u/coder/a.log",
        "/x/ns_p_u/coder/.log",
        "/x/ns_p_u/coder/0.txt",
    ])
    func `other names say nothing`(path: String) {
        #expect(ContainerFileName.origin(path) == nil)
    }
}

extension WrappedShape {
    /// As Docker's json-file has it.
    static func docker(_ text: String) -> String {
        "{\"log\":\(quoted(text + "\n")),\"stream\":\"stderr\",\"time\":\"2025-07-03T05:09:41.929840747Z\"}"
    }
}
