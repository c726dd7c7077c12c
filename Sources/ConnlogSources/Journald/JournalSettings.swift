package import ConnlogSystem

/// What a journald source is told.
package struct JournalSettings: Sendable {
    /// As journald knows them, such as `coder.service`.
    package var units: [String]
    /// Of lines with another `SYSLOG_IDENTIFIER` none is read; any if empty.
    package var identifiers: [String] = []
    /// Lines of these containers, as Docker's or Podman's journald driver sends them in the name of `units`; if empty, what
    /// the units themselves write to standard output and error.
    package var containers: [String] = []
    package var place = Journal.Place.machine
    /// Of a directory, only what the journald of this namespace has written.
    package var namespace: String?
    /// At the very first start what is there is passed over.
    package var startsAtEnd = false
    /// Read what is there and stop.
    package var once = false
    /// Of longer lines the longest values are cut.
    package var maxLine = 1 << 20
    /// How long a stream must be silent before what may go on counts as complete.
    package var silence = Duration.seconds(5)
    /// Bytes read into one batch, about.
    package var batchBytes = 1 << 20

    package init(units: [String]) { self.units = units }

    /// So much of one message is taken; no line of coderd's is as long.
    var messageMax: Int { 4 * maxLine + 1 << 16 }

    /// So many bytes of a batch may wait for an entry that goes on in another stream.
    var heldMax: Int { max(4 * maxLine, batchBytes) + batchBytes }

    /// journald's own notice of messages that it has dropped.
    static let suppressedID = "a596d6fe7bfa4994828e72309e95d61e"

    /// What is read: alternatives, each with conditions. Of one field either value, of different fields all.
    ///
    /// Only fields that begin with `_` are journald's word; any user can write the others. So an identifier only narrows
    /// what the unit has written, and a notice must come from journald itself.
    package var matches: [[String]] {
        let lines =
            units.map { "_SYSTEMD_UNIT=\($0)" } + identifiers.map { "SYSLOG_IDENTIFIER=\($0)" }
            + (containers.isEmpty ? ["_TRANSPORT=stdout"] : ["_TRANSPORT=journal"])
            + containers.map { "CONTAINER_NAME=\($0)" }
        let notices =
            ["MESSAGE_ID=\(JournalSettings.suppressedID)", "_TRANSPORT=driver"]
            + units.map { "OBJECT_SYSTEMD_UNIT=\($0)" }
        let all = namespace.map { ["_NAMESPACE=\($0)"] } ?? []
        return [lines + all, notices + all]
    }

    /// A hash of what is read, to know when that was changed.
    var matchesHash: UInt64 {
        FilePosition.hash(Array(matches.map { $0.joined(separator: "\n") }.joined(separator: "\n\n").utf8))
    }

    /// Which files, in words that stay the same from start to start.
    var placeName: String {
        switch place {
        case .machine: "machine"
        case .namespace(let name): "namespace \(name)"
        case .directory(let path): "directory \(path)"
        }
    }

    /// What is read, for people.
    var subject: String {
        let what = (containers.isEmpty ? units : containers).joined(separator: ", ")
        return switch place {
        case .machine: "the journal of \(what)"
        case .namespace(let name): "the journal of \(what) in namespace \(name)"
        case .directory(let path): "the journal of \(what) in \(path)"
        }
    }
}

extension Journal {
    /// Opens the journal, watches it, and asks for what is to be read.
    static func open(_ settings: JournalSettings) throws(SystemError) -> Journal {
        let journal = try Journal(settings.place)
        // Before anything is read, so that nothing is missed.
        try journal.watch()
        for (number, match) in settings.matches.enumerated() {
            if number > 0 { try journal.orElse() }
            for text in match { try journal.match(text) }
        }
        return journal
    }
}
