/// Writes the documented `config/connlog.ini` from the schemas, so that the two cannot differ.
package enum ReferenceText {
    /// One section of the file.
    package struct Item: Sendable {
        package let schema: SectionSchema
        /// As in `[sink "local"]`; `nil` for sections without a name.
        package let name: String?
        /// Its required keys stand as active lines; otherwise the whole section is commented out.
        package let isActive: Bool

        package init(_ schema: SectionSchema, name: String? = nil, isActive: Bool) {
            self.schema = schema
            self.name = name
            self.isActive = isActive
        }
    }

    /// The whole file. Prose begins with `# `; lines that begin with `#` and a letter or `[` load when the `#` is
    /// taken away, all of them together too.
    package static func text(_ items: [Item]) -> String {
        head + items.map(section).joined()
    }

    private static let head = """
        # connlog.ini: every section and key, with what it takes and its default.
        #
        # Lines that begin with '#' and a space explain. Those that begin with '#' alone show a default or an example:
        # take the '#' away to use them. Comments stand on lines of their own.
        #
        # Durations: 500ms 10s 5m 2h 7d. Sizes: 64KiB 16MiB 4GiB, or 64KB 16MB 4GB in powers of 1000.
        # Values may contain ${env:NAME}, ${env:NAME:-default}, ${file:/path}, ${credential:NAME} and ${data_dir};
        # $${ stands for ${ itself. "Quoted" values know \\" \\\\ \\n and \\t.
        # `connlog check --config FILE` tells what is wrong with a file, and what each value is.

        """

    private static func section(_ item: Item) -> String {
        let mark = item.isActive ? "" : "#"
        var text = "\n" + prose(item.schema.summary)
        text += "\(mark)\(sectionHeading(item.schema.kind, item.name))\n"
        if let type = item.schema.type, !item.schema.keys.contains(where: { $0.name == "type" }) {
            text += "\(mark)type = \(type)\n"
        }
        return text + item.schema.keys.map { "\n" + entry($0, item) }.joined()
    }

    private static func entry(_ key: Key, _ item: Item) -> String {
        if key.name == "type", let type = item.schema.type {
            return prose(key.help) + "\(item.isActive ? "" : "#")type = \(type)\n"
        }
        let isActive = item.isActive && key.isRequired
        let value = key.defaultText ?? key.example ?? ""
        let line = "\(isActive ? "" : "#")\(key.name) =\(value.isEmpty ? "" : " " + value)\n"
        return prose(key.help + note(key)) + line
    }

    /// ` (duration, 1ms to 1h; default 1s)`
    private static func note(_ key: Key) -> String {
        var parts = [key.kind.summary]
        if let text = key.defaultText {
            parts.append("default \(text)")
        } else {
            parts.append(key.isRequired ? "required" : "no default")
        }
        return " (\(parts.joined(separator: "; ")))"
    }

    /// Comment lines of at most 110 characters.
    private static func prose(_ text: String) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 110 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append("# " + word)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
