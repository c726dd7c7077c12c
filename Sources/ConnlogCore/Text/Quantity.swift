/// Numbers as people read them.
package enum Quantity {
    /// `0 B`, `17 B`, `1.5 KiB`, `64 MiB`, `12.3 GiB`: at most one digit after the point, cut off.
    package static func bytes(_ count: Int) -> String {
        var rest = max(0, count)
        var tenths = 0
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        while rest >= 1024, unit < units.count - 1 {
            tenths = rest % 1024 * 10 / 1024
            rest /= 1024
            unit += 1
        }
        return tenths == 0 || rest >= 100 ? "\(rest) \(units[unit])" : "\(rest).\(tenths) \(units[unit])"
    }

    /// `7`, `68,646`.
    package static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }

    /// `1 event`, `2 events`.
    package static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }
}
