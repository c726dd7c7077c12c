import ConnlogSystem

/// What stands after the `:` of a term, and what it is read by.
struct FilterValue {
    /// In lower case, without quotes.
    let text: String
    let words: FilterWords
    /// In quotes all is taken as it stands: `,` and `*` too.
    let isQuoted: Bool
    /// What times before now are counted from, and what clocks they are shown by.
    let now: Nanoseconds
    let zone: Zone

    var dialect: FilterDialect { words.dialect }

    /// The values of a list, each with its own words.
    var elements: [FilterValue] {
        let shown = words.shownValue.split(separator: ",", omittingEmptySubsequences: false)
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        return parts.enumerated().compactMap { index, part in
            guard !part.isEmpty else { return nil }
            let written = shown.count == parts.count ? String(shown[index]) : String(part)
            return FilterValue(
                text: String(part), words: words.of(written), isQuoted: false, now: now, zone: zone)
        }
    }

    /// A pattern if there is a `*` in it that is meant as one.
    func match(_ field: FilterText, _ exact: (String) -> FilterCondition) -> FilterCondition {
        guard dialect == .connlog, !isQuoted, text.contains("*") else { return exact(text) }
        return .like(field, TextPattern(text))
    }

    /// Any of some client apps, under their normalized names.
    var apps: FilterCondition {
        let names = text.split(separator: ",").map { AppName.normalized(String($0)) }
        guard dialect == .connlog, !isQuoted, text.contains("*") else { return .app(names) }
        let plain = names.filter { !$0.contains("*") }
        let patterns = names.filter { $0.contains("*") }.map { FilterCondition.like(.app, TextPattern($0)) }
        let all = (plain.isEmpty ? [] : [.app(plain)]) + patterns
        return all.count == 1 ? all[0] : .any(all)
    }

    /// `name`, or `owner/name`.
    func workspace() throws(FilterMistake) -> FilterCondition {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !isQuoted else { return match(.workspace) { .workspace($0) } }
        guard !parts[0].isEmpty, !parts[1].isEmpty else {
            throw words.isNo("workspace; write its name, or owner/name")
        }
        let (owner, name) = (with(parts[0]), with(parts[1]))
        return .all([
            owner.match(.workspaceOwner) { .workspaceOwner($0) }, name.match(.workspace) { .workspace($0) },
        ])
    }

    private func with(_ text: String) -> FilterValue {
        FilterValue(text: text, words: words, isQuoted: isQuoted, now: now, zone: zone)
    }

    func choice<Choice: RawRepresentable & Equatable & CaseIterable>(
        except excluded: [Choice] = []
    ) throws(FilterMistake) -> Choice where Choice.RawValue == String {
        if let choice = Choice(rawValue: text), !excluded.contains(choice) { return choice }
        throw words.isNone(of: Choice.allCases.filter { !excluded.contains($0) }.map(\.rawValue))
    }

    func uuid() throws(FilterMistake) -> String {
        if let uuid = UUIDText.normalized(text) { return uuid }
        throw words.isNoUUID
    }

    func address() throws(FilterMistake) -> AddressBlock {
        if let block = AddressBlock(text) { return block }
        throw words.isNo("address; write one such as 203.0.113.7 or 203.0.113.0/24", article: "an")
    }

    func duration() throws(FilterMistake) -> ClosedRange<Nanoseconds> {
        if let range = DurationRange.parse(text) { return range }
        throw words.isNo("duration; write one such as >1h, <=90s, or a range such as 5m-2h")
    }

    /// `403`, `400-599`.
    func codes() throws(FilterMistake) -> ClosedRange<Int> {
        if let codes = numbers { return codes }
        throw words.isNo("code; write one such as 403, or a range such as 400-599")
    }

    /// `8080`, `8000-8999`.
    func ports() throws(FilterMistake) -> ClosedRange<Int> {
        if let ports = numbers, ports.lowerBound >= 0, ports.upperBound < 65_536 { return ports }
        throw words.isNo("port; write one such as 8080, or a range such as 8000-8999")
    }

    private var numbers: ClosedRange<Int>? {
        if let number = Int(text) { return number...number }
        let parts = text.split(separator: "-", maxSplits: 1).map { Int($0) }
        guard parts.count == 2, let low = parts[0], let high = parts[1], low <= high else { return nil }
        return low...high
    }

    func new() throws(FilterMistake) -> FilterCondition {
        if text == "ip" { return .newAddress }
        throw words.isNone(of: ["ip"])
    }

    // MARK: - Times

    func time() throws(FilterMistake) -> Nanoseconds {
        if dialect == .coder {
            let upper = text.uppercased()
            if let time = EventTime.parse(upper) { return time }
            throw words.isNoTime(upper)
        }
        if let ago = FilterValue.ago(text) { return now.subtractingReportingOverflow(ago).overflow ? .min : now - ago }
        if let time = WrittenTime(text, zone)?.first { return time }
        throw words.isNo("time; write one such as 2026-03-03T07:00:00Z, a date such as 2026-03-03, or -24h")
    }

    /// `-24h`, `-7d`: that long before now.
    static func ago(_ text: some StringProtocol) -> Nanoseconds? {
        text.hasPrefix("-") ? DurationRange.length(Substring(text.dropFirst())) : nil
    }

    func moments() throws(FilterMistake) -> MomentRange {
        if let range = MomentRange(text, now, zone) { return range }
        throw words.isNo(
            "range of time; write one such as 2026-03-03..2026-03-05, -7d..-1d, or -24h for all since then")
    }

    func hours() throws(FilterMistake) -> HoursOfDay {
        if let hours = HoursOfDay(text, zone) { return hours }
        throw words.isNo("time of day; write one such as 08-18, 22-06 or 08:30-17:15")
    }

    func weekdays() throws(FilterMistake) -> Weekdays {
        if let days = Weekdays(text, zone) { return days }
        throw words.isNo("day of the week; write mon, tue, wed, thu, fri, sat or sun, several as sat,sun or mon-fri")
    }
}
