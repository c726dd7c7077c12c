import CConnlog
import ConnlogTestSupport
import Testing

/// The kernels against slow and obvious versions of themselves, on random bytes in exactly as much memory as they may touch.
@Suite struct KernelTests {
    private static let seeds: Range<UInt64> = 0..<4

    /// Mostly plain text, now and then a byte that ends it.
    private func text(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        let odd: [UInt8] = [0, 0x1f, 0x22, 0x5c, 0x5d, 0x7f, 0x80, 0xc2, 0xc3, 0xe2, 0xff]
        let oneIn = Int.random(in: 2...200, using: &generator)
        return (0..<count).map { _ in
            Int.random(in: 0..<oneIn, using: &generator) == 0
                ? odd.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0x20...0x7e, using: &generator)
        }
    }

    @Test(arguments: seeds) func `a string's plain bytes end where a byte loop ends`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for count in 0..<300 {
            let bytes = text(count, &generator)
            let start = Int.random(in: 0...count, using: &generator)
            let plain = bytes[start...].prefix { $0 >= 0x20 && $0 < 0x80 && $0 != 0x22 && $0 != 0x5c }.count
            let found = unsafe bytes.withUnsafeBufferPointer { memory -> Int in
                guard let base = memory.baseAddress else { return 0 }
                return unsafe connlog_plain_string_prefix_within(base, base + start, base + count)
            }
            #expect(found == plain, "seed \(seed): \(bytes) from \(start)")
        }
    }

    @Test(arguments: seeds, 0...3 as ClosedRange<Int32>)
    func `syslog text is copied up to the first byte that may not stand as it is`(seed: UInt64, rules: Int32) {
        let inParameter = rules & Int32(connlog_syslog_parameter) != 0
        let isPlain = rules & Int32(connlog_syslog_plain) != 0
        var generator = SeededGenerator(seed: seed)
        for count in 0..<300 {
            let bytes = text(count, &generator)
            let plain = bytes.prefix { byte in
                byte >= 0x20 && byte != 0x7f && !(inParameter && [0x22, 0x5c, 0x5d].contains(byte))
                    && !(isPlain && [0xc2, 0xe2].contains(byte))
            }
            var target = [UInt8](repeating: 0xaa, count: count + 15)
            let copied = unsafe connlog_copy_syslog_text(&target, bytes, count, rules)
            #expect(Array(target[..<copied]) == Array(plain), "seed \(seed): \(bytes)")
        }
    }

    @Test(arguments: seeds) func `a message is copied as text is, and says whether it is ASCII`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for count in 0..<600 {
            let bytes = text(count, &generator)
            let plain = bytes.prefix { $0 >= 0x20 && $0 != 0x7f }
            var target = [UInt8](repeating: 0xaa, count: count + 15)
            var isASCII: Int32 = 1
            let copied = unsafe connlog_copy_syslog_message(&target, bytes, count, &isASCII)
            #expect(Array(target[..<copied]) == Array(plain), "seed \(seed): \(bytes)")
            // It may look at what lies up to 64 bytes after, so it may say no for that, but never yes for what it has copied.
            let near = bytes.prefix(copied + 64)
            if isASCII == 1 { #expect(plain.allSatisfy { $0 < 0x80 }, "seed \(seed): \(bytes)") }
            if isASCII == 0 { #expect(near.contains { $0 >= 0x80 }, "seed \(seed): \(bytes)") }
        }
    }

    @Test(arguments: seeds)
    func `an id in upper case folds to what it does in lower case, another one to something else`(
        seed: UInt64
    ) {
        func folded(_ id: [UInt8]) -> [UInt64] {
            var (low, high): (UInt64, UInt64) = (0, 0)
            unsafe connlog_fold_id(id, id.count, &low, &high)
            return [low, high]
        }
        var generator = SeededGenerator(seed: seed)
        var known: [[UInt64]: String] = [:]
        for _ in 0..<2000 {
            let count = Int.random(in: 1...40, using: &generator)
            let id = (0..<count).map { _ in "0123456789abcdef-".randomElement(using: &generator) ?? "-" }
            let text = String(id)
            let key = folded(Array(text.utf8))
            #expect(folded(Array(text.uppercased().utf8)) == key, "seed \(seed): \(text)")
            #expect(known.updateValue(text, forKey: key) ?? text == text, "seed \(seed): \(text)")
        }
    }

    @Test(arguments: seeds) func `text is found where it first stands`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0x61...0x62, using: &generator)
            }
            let sought = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                UInt8.random(in: 0x61...0x62, using: &generator)
            }
            let first = bytes.indices.first { bytes[$0...].starts(with: sought) }
            let found = unsafe connlog_find(bytes, bytes.count, sought, sought.count)
            #expect(found == first ?? -1, "seed \(seed): \(sought) in \(bytes)")
        }
    }
}
