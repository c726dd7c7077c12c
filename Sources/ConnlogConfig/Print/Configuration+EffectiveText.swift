extension Configuration {
    /// Every value as connlog uses it, each with where it comes from; secrets are masked.
    ///
    ///     connlog.ini:3   [sink "splunk"]
    ///     connlog.ini:5   token         = ********
    ///     default         batch_wait    = 1s
    ///     not set         proxy         =
    package var effectiveText: String {
        let blocks = ([connlog] + sections.filter { $0.kind != "connlog" }).map(rows)
        let width = blocks.joined().map(\.origin.count).max() ?? 0
        return blocks.map { rows in
            rows.map {
                trimmedEnd($0.origin + String(repeating: " ", count: width - $0.origin.count) + "  " + $0.text) + "\n"
            }
            .joined()
        }.joined(separator: "\n")
    }

    private typealias Row = (origin: String, text: String)

    private func rows(_ section: Section) -> [Row] {
        let schema = schemas.first { $0.kind == section.kind && $0.type == section.type }
        var names = (schema?.keys ?? []).map { ($0.name, $0.kind) }
        if section.type != nil, !names.contains(where: { $0.0 == "type" }) { names.insert(("type", .string), at: 0) }
        let width = names.map(\.0.count).max() ?? 0
        let heading: Row = (section.place.line == 0 ? "default" : origin(section.place), section.heading)
        return [heading]
            + names.map { name, kind in
                let padding = String(repeating: " ", count: width - name.count)
                return (origin(name, section), "\(name)\(padding) = \(text(name, kind, section))")
            }
    }

    private func origin(_ place: Place) -> String { "\(shown(place.file, charactersMax: 200)):\(place.line)" }

    private func origin(_ name: String, _ section: Section) -> String {
        section.places[name].map(origin) ?? (section.has(name) ? "default" : "not set")
    }

    private func text(_ name: String, _ kind: ValueKind, _ section: Section) -> String {
        guard let value = section.values[name] else { return "" }
        if kind == .secret || section.hiddenKeys.contains(name) { return secretMask }
        return maskingUserInfo(value.text(kind))
    }

    private func trimmedEnd(_ text: String) -> String {
        guard let last = text.lastIndex(where: { $0 != " " }) else { return "" }
        return String(text[...last])
    }
}
