/// Sizes as they stand in a configuration: `64KiB 16MiB 4GiB 1MB`.
enum ByteSize {
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ]

    static func parse(_ text: String, _ range: ClosedRange<Int>) throws(ValueProblem) -> Int {
        let digits = text.utf8.prefix(while: isDigit)
        let unit = text[digits.endIndex...]
        let number = String(text[..<digits.endIndex])
        if unit.isEmpty, !number.isEmpty {
            throw ValueProblem("has no unit; write a number with B, KiB, MiB, GiB or TiB", example: example(number))
        }
        guard !number.isEmpty, let scale = units.first(where: { $0.name == unit })?.bytes else {
            throw ValueProblem(
                "is not a size; write a number with B, KiB, MiB, GiB or TiB", example: example(number, like: unit))
        }
        let product = (Int(number) ?? Int.max).multipliedReportingOverflow(by: scale)
        let bytes = product.overflow ? Int.max : product.partialValue
        if bytes < range.lowerBound { throw ValueProblem("is too small; write \(sizes(range))") }
        if bytes > range.upperBound || product.overflow || Int(number) == nil {
            throw ValueProblem("is too large; write \(sizes(range))")
        }
        return bytes
    }

    private static func sizes(_ range: ClosedRange<Int>) -> String { bounds(range, text(of:)) }

    /// A right way to write it, with the unit that was probably meant.
    private static func example(_ number: String, like unit: Substring = "") -> String {
        let number = number.isEmpty || number.count > 6 ? "64" : number
        let meant = unit.drop(while: isBlank).lowercased()
        let near =
            units.first { meant.hasPrefix($0.name.lowercased()) && $0.name != "B" }
            ?? units.first { meant == $0.name.prefix(1).lowercased() }
        return number + (near?.name ?? "MiB")
    }

    /// In the largest unit that needs no fraction.
    static func text(of bytes: Int) -> String {
        if bytes == 0 { return "0B" }
        for unit in units where bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}
