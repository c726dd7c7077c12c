/// A promise that some bytes have broken.
struct Finding: Error {
    let promise: String

    init(_ promise: String) { self.promise = promise }
}

/// Something that reads bytes from outside, and what it promises about any of them.
///
/// The fuzzer looks for bytes that break a promise; the ordinary tests replay the corpus.
struct FuzzTarget: Sendable {
    /// The name of its folder in `Corpus`, too.
    let name: String
    /// Reads the bytes. Crashing and hanging are found out from outside.
    let check: @Sendable (_ bytes: [UInt8]) throws(Finding) -> Void

    static let all = [
        FuzzTarget(name: "segment", check: SegmentTarget.check),
        FuzzTarget(name: "offsets", check: OffsetsTarget.check),
        FuzzTarget(name: "record", check: RecordTarget.check),
        FuzzTarget(name: "json", check: JSONTarget.check),
        FuzzTarget(name: "stream", check: StreamTarget.check),
        FuzzTarget(name: "forgery", check: ForgeryTarget.check),
        FuzzTarget(name: "human", check: HumanTarget.check),
        FuzzTarget(name: "ini", check: INITarget.check),
        FuzzTarget(name: "filter", check: FilterTarget.check),
        FuzzTarget(name: "csv", check: CSVTarget.check),
    ]
}

func expect(_ isKept: Bool, _ promise: @autoclosure () -> String) throws(Finding) {
    if !isKept { throw Finding(promise()) }
}

/// Takes an input apart into small numbers; zeros when there is nothing left.
struct Choices {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }
    var remaining: [UInt8] { Array(rest) }

    mutating func byte() -> Int { Int(rest.popFirst() ?? 0) }

    mutating func word() -> Int { byte() << 8 | byte() }
}
