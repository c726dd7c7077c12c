import ConnlogConfig
import ConnlogCore
import ConnlogSystem

/// What `connlog check --connect` finds about the files of a section.
struct FileSourceTrial {
    /// Files that are looked into, and how far.
    private static let filesMax = 16
    private static let bytesMax = 256 << 10

    private let section: Section

    init(_ section: Section) { self.section = section }

    var findings: [TrialFinding] { section.list("path").flatMap { findings(Glob($0)) } }

    private func findings(_ pattern: Glob) -> [TrialFinding] {
        let matches = pattern.expand()
        var findings = matches.problems.map { TrialFinding.failed("\($0); \(Advice.reading($0))") }
        let paths = matches.paths.filter { pattern.namesFile || !FileSettings.isExcluded($0) }
        var decoder = LineKeys.eventDecoder(section)()
        var counts = DecodeCounts()
        var readable = 0
        for path in paths {
            do throws(SystemError) {
                guard try FileStatus(of: path).isRegular else { continue }
                let file = try LocalFile.openForReading(path)
                readable += 1
                if readable <= FileSourceTrial.filesMax { counts.merge(try look(file, &decoder)) }
            } catch {
                if error.code == Errno.notFound { continue }
                findings.append(.failed("\(error); \(Advice.reading(error))"))
            }
        }
        if readable == 0, findings.isEmpty {
            return [
                .doubtful("no file matches \(pattern.pattern) yet; one that comes later is read from its beginning")
            ]
        }
        return readable == 0 ? findings : findings + [seen(pattern, readable, counts)]
    }

    /// What the beginning of a file holds.
    private func look(_ file: LocalFile, _ decoder: inout EventDecoder) throws(SystemError) -> DecodeCounts {
        var batch = EventBatch(capacity: FileSourceTrial.bytesMax)
        let got = try file.read(into: &batch.bytes, at: 0, count: FileSourceTrial.bytesMax)
        _ = decoder.decode(0..<got, in: &batch, isEnd: false)
        return decoder.takeCounts()
    }

    private func seen(_ pattern: Glob, _ files: Int, _ counts: DecodeCounts) -> TrialFinding {
        let found = "\(Quantity.count(files, "file")) for \(pattern.pattern) can be read"
        if counts.lines == 0 { return .good("\(found), with no whole line yet") }
        let events = Quantity.count(counts.events, "connection event")
        let looked = "\(found); \(events) in the first \(Quantity.count(counts.lines, "line"))"
        if counts.foreign > 0, counts.events == 0 {
            return .doubtful("\(looked), and \(counts.foreign) of origins that from_... does not name")
        }
        if counts.events > 0 { return .good(looked) }
        return .doubtful("\(looked): is this coderd's log, and does coderd log connections?")
    }
}
