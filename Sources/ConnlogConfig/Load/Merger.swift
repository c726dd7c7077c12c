/// A section put together from its parts in several files.
struct MergedSection {
    let kind: String
    let name: String?
    /// The first heading.
    let place: Place
    var entries: [String: ParsedEntry] = [:]
    /// Keys as they came first.
    var order: [String] = []

    var heading: String { sectionHeading(kind, name) }
}

/// `[kind]` or `[kind "name"]`
func sectionHeading(_ kind: String, _ name: String?) -> String {
    name.map { "[\(kind) \"\($0)\"]" } ?? "[\(kind)]"
}

/// Puts files together: a later file adds to a section and replaces its values; within one file a second heading or
/// a second key of the same name is a mistake.
struct Merger {
    private struct Identity: Hashable {
        let kind: String
        let name: String?
    }

    private(set) var sections: [MergedSection] = []
    private(set) var diagnostics: [Diagnostic] = []
    /// Keys that stand twice in one section, with the first place.
    private(set) var duplicates: [(place: Place, first: Place)] = []
    private var indices: [Identity: Int] = [:]

    mutating func add(_ file: ParsedFile) {
        var headings: [Identity: Place] = [:]
        for section in file.sections {
            let identity = Identity(kind: section.kind, name: section.name)
            if let first = headings[identity] {
                report(
                    section.place,
                    "\(sectionHeading(section.kind, section.name)) stands twice in this file; merge the two",
                    first: first, "the first one is here")
            } else {
                headings[identity] = section.place
            }
            merge(section, identity)
        }
    }

    func section(_ kind: String) -> MergedSection? { sections.first { $0.kind == kind && $0.name == nil } }

    private mutating func merge(_ section: ParsedSection, _ identity: Identity) {
        let index = indices[identity] ?? sections.count
        if index == sections.count {
            indices[identity] = index
            sections.append(MergedSection(kind: section.kind, name: section.name, place: section.place))
        }
        var places: [String: Place] = [:]
        for entry in section.entries {
            if let first = places[entry.key] {
                let heading = sectionHeading(section.kind, section.name)
                report(
                    entry.place, "\(heading) \(entry.key) is set twice; remove one of the two",
                    first: first, "it was first set here")
                duplicates.append((entry.place, first))
                continue
            }
            places[entry.key] = entry.place
            if sections[index].entries[entry.key] == nil { sections[index].order.append(entry.key) }
            sections[index].entries[entry.key] = entry
        }
    }

    private mutating func report(_ place: Place, _ message: String, first: Place, _ note: String) {
        diagnostics.append(Diagnostic(.error, place, message, notes: [Diagnostic(.note, first, note)]))
    }
}
