import CConnlog
import ConnlogSystem
import ConnlogTestSupport
import Testing

@Suite struct PackedTextTests {
    private func packedUUID(_ text: [UInt8]) -> [UInt8]? {
        var packed = [UInt8](repeating: 0, count: 16)
        return unsafe connlog_pack_uuid(&packed, text) != 0 ? packed : nil
    }

    private func uuid(_ packed: [UInt8]) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 36)
        unsafe connlog_unpack_uuid(&text, packed)
        return text
    }

    private func packedTime(_ text: [UInt8]) -> (bytes: [UInt8], digits: Int)? {
        var packed = [UInt8](repeating: 0, count: 12)
        let digits = unsafe Int(connlog_pack_time(&packed, text, text.count))
        return digits < 0 ? nil : (packed, digits)
    }

    private func time(_ packed: [UInt8], _ digits: Int) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: 32)
        let count = unsafe connlog_unpack_time(&text, packed, Int32(digits))
        return Array(text.prefix(count))
    }

    /// The slow and obvious version.
    private func uuidBytes(_ text: [UInt8]) -> [UInt8]? {
        for (place, byte) in text.enumerated() {
            let isDash = [8, 13, 18, 23].contains(place)
            let isDigit = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
            guard isDash ? byte == 0x2d : isDigit else { return nil }
        }
        let digits = String(decoding: text, as: UTF8.self).filter { $0 != "-" }
        return stride(from: 0, to: 32, by: 2).map { place in
            let start = digits.index(digits.startIndex, offsetBy: place)
            return UInt8(digits[start...digits.index(after: start)], radix: 16) ?? 0
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func `a UUID is packed as a byte loop does it, or not at all`(seed: UInt64)
    {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<3000 {
            var text: [UInt8] = (0..<36).map { place in
                [8, 13, 18, 23].contains(place)
                    ? 0x2d : Array("0123456789abcdef".utf8).randomElement(using: &generator) ?? 0x30
            }
            if round % 2 == 0 {
                text[Int.random(in: 0..<36, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let packed = packedUUID(text)
            #expect(packed == uuidBytes(text), "seed \(seed): \(text)")
            guard let packed else { continue }
            #expect(uuid(packed) == text, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func `a time is packed and comes back, or is not packed`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<3000 {
            let digits = Int.random(in: 0...9, using: &generator)
            let shape =
                Array("2025-07-03T05:09:41".utf8) + (digits > 0 ? Array(".123456789".utf8.prefix(digits + 1)) : [])
            var text = (shape + [0x5a]).map {
                (0x30...0x39).contains($0) ? UInt8.random(in: 0x30...0x39, using: &generator) : $0
            }
            if round % 2 == 0 {
                text[Int.random(in: 0..<text.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let shapeHolds = zip(text, shape + [0x5a]).allSatisfy { byte, model in
                (0x30...0x39).contains(model) ? (0x30...0x39).contains(byte) : byte == model
            }
            let packed = packedTime(text)
            #expect((packed != nil) == shapeHolds, "seed \(seed): \(text)")
            guard let packed else { continue }
            #expect(packed.digits == digits)
            #expect(time(packed.bytes, packed.digits) == text, "seed \(seed)")
        }
    }

    @Test(arguments: ["", "2025-07-03T05:09:41", "2025-07-03T05:09:41.Z", "2025-07-03T05:09:41.1234567890Z"])
    func `a time of another length is not packed`(text: String) {
        #expect(packedTime(Array(text.utf8)) == nil)
    }

    @Test func `text is ASCII if each byte is`() {
        for length in 0..<200 {
            var buffer = ByteBuffer([UInt8](repeating: 0x61, count: length))
            #expect(buffer.isASCII(0..<length))
            for place in 0..<length {
                var bytes = [UInt8](repeating: 0x7f, count: length)
                bytes[place] = 0x80
                buffer = ByteBuffer(bytes)
                #expect(!buffer.isASCII(0..<length))
                #expect(buffer.isASCII(0..<place))
            }
        }
    }

    private func firstNumber(_ batch: RecordBatch, _ place: Int) -> UInt64 { batch.note(place)[0] }

    @Test func `notes stay with their records`() {
        var batch = RecordBatch()
        batch.append([1].span)
        for number in 1...3 as ClosedRange<UInt64> {
            let start = batch.bytes.count
            batch.bytes.append(UInt8(number))
            batch.addRecord(start..<start + 1, [UInt64](repeating: number, count: RecordBatch.noteWords).span)
        }
        #expect(!batch.hasNote(0))
        #expect(batch.note(3)[0] == 3)
        #expect(firstNumber(batch.slice(2..<4), 1) == 3)
        batch.filter { index, _ in index != 1 }
        #expect(!batch.hasNote(0))
        #expect(batch.note(1)[0] == 2)
        batch.append([9].span)
        #expect(!batch.hasNote(3))
        #expect(!batch.slice(2..<4).hasNote(0))
        batch.filter { index, _ in index > 1 }
        #expect(!batch.hasNote(0))
        batch.removeAll()
        #expect(!batch.hasNote(0))
    }
}
