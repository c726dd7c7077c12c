public import CConnlog

/// Growable bytes whose memory is kept for reuse.
///
/// `removeAll` forgets the bytes and keeps the memory, so that a buffer which goes round from batch to batch stops
/// allocating. At least `padding` readable bytes always follow the last one: vector kernels may load past the end.
/// A copy shares memory until one of the two is changed.
public struct ByteBuffer: Sendable {
    /// Readable bytes after the end, for kernels that load 16 bytes at a time.
    @usableFromInline package static let padding = 64

    // All of it is initialised memory; `count` says how much of it means something.
    @usableFromInline var storage: [UInt8]
    @usableFromInline var used = 0

    /// Bytes in it.
    @inlinable public var count: Int {
        @inline(__always) get { used }
    }

    /// Empty, with room for so many bytes.
    public init(capacity: Int = 0) {
        storage = capacity == 0 ? [] : [UInt8](repeating: 0, count: capacity + ByteBuffer.padding)
    }

    /// A copy of the bytes.
    public init(_ bytes: some Sequence<UInt8>) {
        self.init()
        append(contentsOf: Array(bytes))
    }

    /// Whether there are none.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// Bytes that fit without another allocation, the present ones included.
    package var capacity: Int { max(0, storage.count - ByteBuffer.padding) }

    /// All bytes.
    @inlinable public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { storage.span.extracting(0..<count) }
    }

    /// The bytes of `range`, which must lie within `0..<count`.
    @inlinable
    @_lifetime(borrow self)
    public func span(_ range: Range<Int>) -> Span<UInt8> {
        precondition(range.upperBound <= count)
        return storage.span.extracting(range)
    }

    /// The byte at an index. Traps outside of `0..<count`.
    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(index < count)
        return storage[index]
    }

    /// The bytes of `range` as text; what is not UTF-8 becomes U+FFFD.
    public func text(_ range: Range<Int>) -> String {
        precondition(range.upperBound <= count)
        return String(decoding: storage[range], as: UTF8.self)
    }

    /// All of it as UTF-8; what is none becomes U+FFFD.
    public var text: String { text(0..<count) }

    /// All bytes as an array of their own.
    public var array: [UInt8] { Array(storage[0..<count]) }

    /// Whether the bytes of `range` are all below 0x80.
    @inlinable package func isASCII(_ range: Range<Int>) -> Bool {
        precondition(range.upperBound <= count)
        return unsafe storage.withUnsafeBufferPointer { memory in
            guard let base = memory.baseAddress else { return true }
            return unsafe connlog_is_ascii(base + range.lowerBound, range.count) != 0
        }
    }

    /// Forgets the bytes and keeps the memory.
    @inlinable public mutating func removeAll() { used = 0 }

    /// Forgets everything from `newCount` on.
    @inlinable package mutating func truncate(to newCount: Int) {
        precondition(newCount <= count)
        used = newCount
    }

    /// Makes room for `more` bytes after the present ones; grows by doubling.
    @inlinable public mutating func reserve(_ more: Int) {
        let needed = count + more + ByteBuffer.padding
        if storage.count < needed { grow(needed) }
    }

    @usableFromInline mutating func grow(_ needed: Int) {
        let grown = max(needed, storage.count * 2, 256)
        var larger = [UInt8](repeating: 0, count: grown)
        unsafe larger.withUnsafeMutableBytes { new in
            unsafe storage.withUnsafeBytes { old in
                guard let from = old.baseAddress, count > 0 else { return }
                unsafe new.baseAddress?.copyMemory(from: from, byteCount: count)
            }
        }
        storage = larger
    }

    /// Appends a byte.
    @inlinable public mutating func append(_ byte: UInt8) {
        reserve(1)
        storage[used] = byte
        used += 1
    }

    /// Appends the bytes.
    public mutating func append(contentsOf bytes: [UInt8]) {
        append(bytes.span)
    }

    /// Appends the text as UTF-8.
    public mutating func append(_ text: String) {
        append(contentsOf: Array(text.utf8))
    }

    /// Appends the bytes.
    @inlinable public mutating func append(_ bytes: Span<UInt8>) {
        withWriter(reserving: bytes.count) { $0.append(bytes) }
    }

    /// Removes the first `length` bytes by moving the rest down.
    package mutating func removeFirst(_ length: Int) {
        precondition(length <= count)
        let rest = count - length
        unsafe storage.withUnsafeMutableBytes { memory in
            guard rest > 0, length > 0, let base = memory.baseAddress else { return }
            unsafe base.copyMemory(from: base + length, byteCount: rest)
        }
        used = rest
    }

    /// Moves the bytes from `start` on so that they begin at `newStart`; in between are bytes that mean nothing.
    package mutating func moveTail(from start: Int, to newStart: Int) {
        precondition(start >= 0 && start <= count && newStart >= 0)
        let length = count - start
        reserve(max(0, newStart - start))
        unsafe storage.withUnsafeMutableBytes { memory in
            guard length > 0, let base = memory.baseAddress else { return }
            unsafe (base + newStart).copyMemory(from: base + start, byteCount: length)
        }
        used = newStart + length
    }

    /// Writes over `length` bytes that are there with `body`, which must write no more than that.
    @inlinable @inline(__always)
    package mutating func overwrite(at place: Int, reserving length: Int, _ body: (inout ByteWriter) -> Void) {
        precondition(place >= 0 && place + length <= count)
        unsafe storage.withUnsafeMutableBytes { memory in
            guard let base = memory.baseAddress else { return }
            var writer = unsafe ByteWriter(base: base + place, limit: length)
            body(&writer)
            precondition(writer.count <= length)
        }
    }

    /// Writes up to `limit` bytes after the present ones with `body`, which must not write more than that.
    ///
    /// The writer checks in debug builds only, so that encoders run at the speed of plain memory: whoever calls it
    /// computes `limit` from the lengths of what is copied.
    @inlinable @inline(__always)
    package mutating func withWriter(reserving limit: Int, _ body: (inout ByteWriter) -> Void) {
        reserve(limit)
        let start = count
        let written = unsafe storage.withUnsafeMutableBytes { memory in
            guard let base = memory.baseAddress else { return 0 }
            var writer = unsafe ByteWriter(base: base + start, limit: limit)
            body(&writer)
            return writer.count
        }
        precondition(written <= limit)
        used += written
    }

    /// Lets `fill` write at most `limit` bytes of memory after the present ones; it returns how many it wrote.
    package mutating func fill<Failure: Error>(
        atMost limit: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        reserve(limit)
        var outcome: Result<Int, Failure> = .success(0)
        let start = count
        unsafe storage.withUnsafeMutableBytes { memory in
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + limit)])
            do throws(Failure) { outcome = .success(try unsafe fill(free)) } catch { outcome = .failure(error) }
        }
        let filled = try outcome.get()
        precondition(filled >= 0 && filled <= limit)
        used += filled
        return filled
    }

    /// Hands the memory of `range` to C.
    package func withUnsafeBytes<Value, Failure: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        precondition(range.upperBound <= count)
        return try unsafe storage.span.extracting(range).withUnsafeBytes(body)
    }
}
