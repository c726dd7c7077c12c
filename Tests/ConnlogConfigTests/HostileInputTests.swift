import ConnlogConfig
import Testing

/// Whatever bytes come in: no crash, no long wait, and every diagnostic has a place inside the file.
@Suite struct HostileInputTests {
    private static let valid = """
        [connlog]
        log_level = debug
        queue_size = 4GiB
        hostname = "a \\"b\\" é"
        [source "in"]
        type = stdin
        # a comment
        [sink "splunk"]
        type = splunk_hec
        url = https://h:8088, https://[::1]:8089
        token = ${env:TOKEN:-x}
        batch_wait = 5s
        [sink "siem"]
        type = syslog
        address = [2001:db8::1]:6514
        """

    @Test func `every file of up to two interesting bytes`() throws {
        let alphabet = Array("[]\"\\=#; \t\r\na-$\0".utf8) + [0xC3, 0xA9, 0xFF]
        for first in alphabet {
            try check([first], "\(first)")
            for second in alphabet { try check([first, second], "\(first) \(second)") }
        }
    }

    @Test func `a valid file that is cut short`() throws {
        let bytes = Array(HostileInputTests.valid.utf8)
        for length in stride(from: 0, through: bytes.count, by: 5) {
            try check(Array(bytes.prefix(length)), "prefix of \(length)")
        }
    }

    @Test(arguments: 0..<10)
    func `a valid file with random changes`(seed: UInt64) throws {
        var random = Seeded(seed)
        for round in 0..<12 {
            var bytes = Array(HostileInputTests.valid.utf8)
            for _ in 0...Int.random(in: 0..<6, using: &random) { HostileInputTests.mutate(&bytes, &random) }
            try check(bytes, "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
        let interesting = Array("[]\"\\=#;\n\r \t$:{},".utf8)
        let index = Int.random(in: 0..<max(1, bytes.count), using: &random)
        guard index < bytes.count else { return bytes.append(UInt8(ascii: "[")) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes[index] = interesting[Int.random(in: 0..<interesting.count, using: &random)]
        case 3: bytes.insert(interesting[Int.random(in: 0..<interesting.count, using: &random)], at: index)
        case 4: bytes.removeSubrange(index..<min(bytes.count, index + 12))
        default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 40)], at: index)
        }
    }

    private let folder: ConfigFolder

    init() throws { folder = try ConfigFolder() }

    /// Loads the bytes and looks at every place that is named.
    private func check(_ bytes: [UInt8], _ label: String) throws {
        try folder.write(bytes, to: "connlog.ini")
        let loaded = folder.load()
        #expect(loaded.hasErrors == (loaded.configuration == nil), "\(label)")
        let lines = lengths(bytes)
        for diagnostic in loaded.diagnostics.flatMap({ [$0] + $0.notes }) {
            let place = diagnostic.place
            #expect(place.file.hasSuffix("/connlog.ini"), "\(label)")
            if place == .wholeFile(place.file) { continue }
            guard lines.indices.contains(place.line - 1) else {
                Issue.record("line \(place.line) of \(lines.count): \(diagnostic.message): \(label)")
                continue
            }
            #expect((1...(lines[place.line - 1] + 1)).contains(place.column), "\(diagnostic): \(label)")
        }
        #expect(
            loaded.report(color: false).allSatisfy { $0.isNewline || $0 == "\t" || !$0.isASCII || $0 >= " " },
            "\(label)")
    }

    /// The characters of each line.
    private func lengths(_ bytes: [UInt8]) -> [Int] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self).count }
    }

    @Test(arguments: [
        "[", "[a]\n", "[sink \"a\"]\n", "a=1\n", "=\n", "\"", "${", "${env:A}", "x", "a\n", " \n", "#", "@://", "a,",
        "token=\"\n", "log_level=x\n",
    ])
    func `twice the bytes take no more than about twice the steps`(unit: String) throws {
        // Steps are counted in what comes out: a report that grew faster than the file would be quadratic.
        let prefix = "[connlog]\nhostname = "
        let sizes = try [300, 600].map { count in
            try load(prefix + String(repeating: unit, count: count)).report(color: false).utf8.count
        }
        #expect(sizes[1] <= 2 * sizes[0] + 4096, "\(unit): \(sizes)")
    }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
