import ConnlogSystem
import ConnlogTestSupport
import Glibc
import Testing

@Suite struct CRC32CTests {
    /// The same, a bit at a time.
    private func slow(_ crc: UInt32, _ bytes: [UInt8]) -> UInt32 {
        var rest = ~crc
        for byte in bytes {
            rest ^= UInt32(byte)
            for _ in 0..<8 { rest = rest & 1 == 1 ? 0x82f6_3b78 ^ rest >> 1 : rest >> 1 }
        }
        return ~rest
    }

    @Test func `the values of RFC 3720 B.4 come out`() {
        func checksum(_ bytes: [UInt8]) -> UInt32 {
            var checksum = CRC32C()
            checksum.update(bytes.span)
            return checksum.value
        }
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(checksum(Array(0..<32)) == 0x46dd_794e)
        #expect(checksum(Array("123456789".utf8)) == 0xe306_9283)
    }

    @Test func `every length gives what dividing bit by bit gives`() {
        let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        for length in 0...1700 {
            let part = Array(bytes[(length % 13)..<(length % 13 + length)])
            var fast = CRC32C(UInt32(length))
            fast.update(part.span)
            #expect(fast.value == slow(UInt32(length), part), "length \(length)")
        }
    }

    @Test func `parts one after another give what the whole gives`() {
        let bytes = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var whole = CRC32C()
        whole.update(bytes.span)
        for cut in stride(from: 0, through: 3000, by: 101) {
            var parts = CRC32C()
            parts.update(Array(bytes[..<cut]).span)
            parts.update(Array(bytes[cut...]).span)
            #expect(parts == whole, "cut at \(cut)")
        }
    }
}

@Suite struct ByteBufferTests {
    @Test func `what is appended is there, whatever the way and however it grows`() {
        var buffer = ByteBuffer()
        var expected: [UInt8] = []
        for length in 0..<300 {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: length), count: length)
            buffer.append(bytes.span)
            buffer.append(UInt8(truncatingIfNeeded: length))
            buffer.append("é")
            expected += bytes + [UInt8(truncatingIfNeeded: length)] + Array("é".utf8)
            #expect(buffer.count == expected.count)
        }
        #expect(buffer.array == expected)
    }

    @Test func `a copy keeps its bytes when the original changes`() {
        var buffer = ByteBuffer(Array("before".utf8))
        let copy = buffer
        buffer.removeAll()
        buffer.append("after!")
        #expect(copy.text == "before")
        #expect(buffer.text == "after!")
    }

    @Test(arguments: [(2, 0), (2, 2), (2, 7), (6, 4), (6, 1000), (0, 1)])
    func `the tail can be moved either way, and what is before it stays`(start: Int, newStart: Int) {
        var buffer = ByteBuffer(Array("headtail".utf8))
        buffer.moveTail(from: start, to: newStart)
        let tail = Array("headtail".utf8.dropFirst(start))
        #expect(buffer.count == newStart + tail.count)
        #expect(Array(buffer.array.suffix(tail.count)) == tail)
        let kept = min(start, newStart)
        #expect(Array(buffer.array.prefix(kept)) == Array("headtail".utf8.prefix(kept)))
    }

    @Test func `what is written over has the same length and leaves the rest`() {
        var buffer = ByteBuffer(Array("0000 message".utf8))
        buffer.overwrite(at: 0, reserving: 4) { $0.appendDecimal(1234, digits: 4) }
        #expect(buffer.text == "1234 message")
    }

    @Test func `removing from the front moves the rest down`() {
        for count in 0...10 {
            var buffer = ByteBuffer(Array(0..<10))
            buffer.removeFirst(count)
            #expect(buffer.array == Array(UInt8(count)..<10))
        }
    }

    @Test func `what is forgotten leaves its memory for what comes`() {
        var buffer = ByteBuffer(capacity: 1000)
        let capacity = buffer.capacity
        for _ in 0..<50 {
            buffer.append(contentsOf: [UInt8](repeating: 1, count: 1000))
            buffer.removeAll()
        }
        #expect(buffer.capacity == capacity)
    }

    @Test func `numbers are written in decimal, the largest and smallest too`() {
        for number in [0, 1, 9, 10, 99, 100, 12345, 999_999_999, UInt64.max - 1, .max, 9_999_999_999_999_999_999] {
            var buffer = ByteBuffer()
            buffer.withWriter(reserving: 20) { $0.appendDecimal(number) }
            #expect(buffer.text == String(number))
        }
        var buffer = ByteBuffer()
        buffer.withWriter(reserving: 9) { $0.appendDecimal(42, digits: 9) }
        #expect(buffer.text == "000000042")
    }
}

@Suite struct RecordBatchTests {
    @Test func `a slice has its records and counts their bytes`() {
        var batch = RecordBatch()
        for number in 0..<10 { batch.append(Array(repeating: UInt8(number), count: number + 1).span) }
        let slice = batch.slice(3..<5)
        #expect(slice.count == 2 && slice.recordBytes == 4 + 5)
        #expect(slice.bytes.array(slice.records[0].range) == [3, 3, 3, 3])
    }

    @Test func `filtering keeps order and asks about each record once`() {
        var batch = RecordBatch()
        for number in 0..<10 { batch.append([UInt8(number)].span) }
        var asked: [Int] = []
        batch.filter { index, record in
            asked.append(index)
            return record[0] % 3 == 0
        }
        #expect(asked == Array(0..<10))
        #expect(batch.records.map { batch.bytes[$0.range.lowerBound] } == [0, 3, 6, 9])
        #expect(batch.recordBytes == 4)
    }
}

extension ByteBuffer {
    fileprivate func array(_ range: Range<Int>) -> [UInt8] { Array(array[range]) }
}

@Suite struct ThreadExecutorTests {
    @Test func `what runs there stays on its one thread, also after waiting`() async {
        let executor = ThreadExecutor("test")
        let names = await Task(executorPreference: executor) {
            var names: Set<UInt> = []
            for _ in 0..<20 {
                names.insert(currentThread())
                await Task.yield()
            }
            return names
        }.value
        #expect(names.count == 1)
    }
}

/// A number that is the thread's own.
private func currentThread() -> UInt { UInt(pthread_self()) }
