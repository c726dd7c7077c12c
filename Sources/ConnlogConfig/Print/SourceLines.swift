/// The lines of the files as they may be shown: without secrets.
///
/// A value is shown when its key is known and not a secret, or when it is a reference such as `${file:...}`; every
/// other value is masked, since an unknown key may be a secret's with a slip in it.
struct SourceLines: Sendable {
    private let lines: [String: [[Character]]]
    private let order: [String: Int]

    /// - Parameter plainKeys: where keys stand whose values may be shown.
    init(_ files: [ParsedFile], main: String, plainKeys: Set<Place>, schemas: [SectionSchema]) {
        order = Dictionary(([main] + files.map(\.name)).enumerated().map { ($1, $0) }) { first, _ in first }
        let plainLines = Dictionary(grouping: plainKeys, by: \.file).mapValues { Set($0.map(\.line)) }
        let words = KnownWords(schemas)
        lines = Dictionary(
            files.map { ($0.name, SourceLines.masked($0, plain: plainLines[$0.name] ?? [], words)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// By file, in the order in which the files were read, then by line and column; errors before warnings.
    func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        diagnostics.enumerated().sorted { rank($0) < rank($1) }.map(\.element)
    }

    /// The line of a place, masked; `nil` when the place is a file as a whole, or no line of it is known.
    func line(_ place: Place) -> [Character]? {
        guard let lines = lines[place.file], lines.indices.contains(place.line - 1) else { return nil }
        return lines[place.line - 1]
    }

    private typealias Rank = (file: Int, line: Int, column: Int, severity: Int, offset: Int)

    private func rank(_ item: (offset: Int, element: Diagnostic)) -> Rank {
        let place = item.element.place
        let severity = item.element.severity == .error ? 0 : 1
        return (order[place.file] ?? Int.max, place.line, place.column, severity, item.offset)
    }

    // MARK: Masks

    /// What a line that is no entry may begin with.
    private struct KnownWords {
        let all: Set<String>
        let plain: Set<String>

        init(_ schemas: [SectionSchema]) {
            let keys = schemas.flatMap(\.keys)
            all = Set(keys.map(\.name) + schemas.map(\.kind) + ["type"])
            plain = all.subtracting(keys.filter { $0.kind == .secret }.map(\.name))
        }
    }

    private static func masked(_ file: ParsedFile, plain: Set<Int>, _ words: KnownWords) -> [[Character]] {
        zip(file.text.lines, file.lines).enumerated().map { index, item in
            let (line, parsed) = item
            switch parsed {
            case .plain: return maskingUserInfo(line)
            case .entry(_, isReference: true): return line
            case .entry(let start, _):
                if plain.contains(index + 1) { return maskingUserInfo(line) }
                return start == line.count ? line : Array(line[..<start]) + Array(secretMask)
            case .malformed(let word):
                if words.plain.contains(word) { return maskingUserInfo(line) }
                return Array(words.all.contains(word) ? word + " " + secretMask : secretMask)
            }
        }
    }

    private static func maskingUserInfo(_ line: [Character]) -> [Character] {
        line.contains("@") ? Array(ConnlogConfig.maskingUserInfo(String(line))) : line
    }
}
