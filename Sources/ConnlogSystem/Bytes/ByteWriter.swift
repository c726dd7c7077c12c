public import CConnlog

/// Writes bytes one after another into memory that `ByteBuffer.withWriter` has reserved.
///
/// It cannot outlive that call (it is not copyable and only lent), and it does not grow: the caller has reserved
/// enough. Each write is checked in debug builds.
///
/// All that is used for each value can be inlined by other modules. Measured: without, a message over TCP takes a ninth
/// more of the processor.
@usableFromInline @safe package struct ByteWriter: ~Copyable {
    @usableFromInline let base: UnsafeMutableRawPointer
    @usableFromInline let limit: Int
    @usableFromInline var written = 0

    /// Bytes written so far.
    @inlinable package var count: Int {
        @inline(__always) get { written }
    }

    @inlinable @unsafe init(base: UnsafeMutableRawPointer, limit: Int) {
        unsafe self.base = unsafe base
        self.limit = limit
    }

    /// Counts bytes that an extension has stored after the present ones.
    @inlinable @inline(__always)
    mutating func advance(by length: Int) { written &+= length }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        assert(count < limit)
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        written &+= 1
    }

    @inlinable @inline(__always)
    package mutating func append(_ bytes: Span<UInt8>) {
        let length = bytes.count
        assert(count + length <= limit)
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + written).copyMemory(from: start, byteCount: length)
        }
        written &+= length
    }

    @inlinable @inline(__always)
    package mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        assert(count + length <= limit)
        unsafe (base + written).copyMemory(from: text.utf8Start, byteCount: length)
        written &+= length
    }

    /// Copies bytes of `range` up to the first control character (below 0x20, or DEL) or byte 0xc2 or 0xe2, with which
    /// those above ASCII begin, and with `inParameter` also up to the first `"`, `\` or `]`. Needs 16 bytes more room than it copies.
    /// - Returns: how many bytes were copied.
    @inlinable
    package mutating func appendSyslogText(_ bytes: Span<UInt8>, _ range: Range<Int>, inParameter: Bool) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        assert(count + range.count <= limit)
        let copied = unsafe bytes.withUnsafeBufferPointer { memory in
            guard let source = memory.baseAddress else { return 0 }
            let target = unsafe (base + count).assumingMemoryBound(to: UInt8.self)
            let rules = Int32(connlog_syslog_plain) | (inParameter ? Int32(connlog_syslog_parameter) : 0)
            return unsafe connlog_copy_syslog_text(target, source + range.lowerBound, range.count, rules)
        }
        written &+= copied
        return copied
    }

    /// Copies the bytes of a message from `start` on, up to the first control character (below 0x20, or DEL). Needs 16 bytes
    /// more room than it copies.
    /// - Parameter isASCII: becomes `false` when there is more than ASCII in what was copied, or close after it.
    /// - Returns: how many bytes were copied.
    package mutating func appendSyslogMessage(_ bytes: Span<UInt8>, from start: Int, isASCII: inout Bool) -> Int {
        precondition(start >= 0 && start <= bytes.count)
        assert(count + bytes.count - start <= limit)
        var isPlain: Int32 = 1
        let copied = unsafe bytes.withUnsafeBufferPointer { memory in
            guard let source = memory.baseAddress else { return 0 }
            let target = unsafe (base + count).assumingMemoryBound(to: UInt8.self)
            return unsafe connlog_copy_syslog_message(target, source + start, memory.count - start, &isPlain)
        }
        if isPlain == 0 { isASCII = false }
        written &+= copied
        return copied
    }

    /// An unsigned number in decimal, at most 20 bytes.
    package mutating func appendDecimal(_ value: UInt64) {
        appendDecimal(value, digits: ByteWriter.decimalDigits(value))
    }

    /// How many digits a number has in decimal.
    package static func decimalDigits(_ value: UInt64) -> Int {
        var digits = 1
        var bound: UInt64 = 10
        while digits < 20, value >= bound {
            digits += 1
            let next = bound.multipliedReportingOverflow(by: 10)
            if next.overflow { break }
            bound = next.partialValue
        }
        return digits
    }

    /// The last `digits` digits of a number, zeros in front.
    @inlinable @inline(__always)
    package mutating func appendDecimal(_ value: UInt64, digits: Int) {
        assert(count + digits <= limit)
        var rest = value
        var place = count &+ digits
        while place > count {
            place &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe base.storeBytes(of: UInt8(truncatingIfNeeded: digit &+ 0x30), toByteOffset: place, as: UInt8.self)
            rest = quotient
        }
        written &+= digits
    }
}
