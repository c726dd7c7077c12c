/// Checks merged sections against the schemas and gives them typed values.
struct SectionChecker {
    let schemas: [SectionSchema]
    let planned: Planned
    let expander: Expander
    /// Kinds of sections whose references must be there; `nil` for all.
    let needed: Set<String>?
    private(set) var diagnostics: [Diagnostic] = []
    /// Places of keys whose values may be shown.
    private(set) var plainKeys: Set<Place> = []

    init(schemas: [SectionSchema], planned: Planned, expander: Expander, needed: Set<String>? = nil) {
        self.needed = needed
        self.schemas = schemas
        self.planned = planned
        self.expander = expander
    }

    /// The section with all its values; where one is wrong, which is in `diagnostics` then, with something in its place.
    /// `nil` when there is nothing to put there.
    mutating func check(_ section: MergedSection) -> Section? {
        guard let schema = schema(of: section) else { return nil }
        var builder = Builder()
        for key in section.order where key != "type" || schema.type == nil {
            guard let entry = section.entries[key] else { continue }
            if let known = schema.keys.first(where: { $0.name == key }) {
                if known.kind != .secret { plainKeys.insert(entry.place) }
                set(known, entry, section, &builder)
            } else {
                reportUnknown(entry, schema, section)
            }
        }
        for key in schema.keys where !builder.seen.contains(key.name) && key.name != "type" {
            setDefault(key, section, &builder)
        }
        if builder.isHopeless { return nil }
        var checked = builder.section(section, type: schema.type)
        checked.pathKeys = schema.keys.filter { $0.kind == .path }.map(\.name)
        return checked
    }

    // MARK: Kind and type

    private mutating func schema(of section: MergedSection) -> SectionSchema? {
        let candidates = schemas.filter { $0.kind == section.kind }
        guard let first = candidates.first else {
            reportUnknownKind(section)
            return nil
        }
        if first.isNamed != (section.name != nil) {
            let right =
                first.isNamed
                ? "needs a name, such as [\(section.kind) \"main\"]" : "takes no name; write [\(section.kind)]"
            error(section.place, "\(section.heading) \(right)")
        }
        return first.type == nil ? first : schema(of: section, among: candidates)
    }

    private mutating func reportUnknownKind(_ section: MergedSection) {
        if planned.notBuiltIn.contains(section.kind) {
            error(
                section.place,
                "\(section.heading) needs a connlog with its server, and this one was built without "
                    + "(--disable-default-traits); build it anew, or remove the section")
            return
        }
        var kinds: [String] = []
        for kind in schemas.map(\.kind) + planned.notBuiltIn where !kinds.contains(kind) { kinds.append(kind) }
        let known = enumeration(kinds.filter { !planned.notBuiltIn.contains($0) }.map { "[\($0)]" })
        error(
            section.place,
            "unknown section [\(shown(section.kind))]; " + (didYouMean(section.kind, among: kinds) ?? "write \(known)"))
    }

    private mutating func schema(of section: MergedSection, among candidates: [SectionSchema]) -> SectionSchema? {
        let types = candidates.compactMap(\.type)
        let entry = section.entries["type"]
        guard let entry, entry.value?.isUnset != true else {
            if let usual = candidates.first(where: \.isUsualType) { return usual }
            error(
                entry?.place ?? section.place,
                "\(section.heading) has no type; add a line 'type = \(types[0])' (\(enumeration(types)))"
            )
            return nil
        }
        plainKeys.insert(entry.place)
        guard let template = entry.value, let expanded = expand(template, entry, section) else { return nil }
        if let schema = candidates.first(where: { $0.type == expanded.text }) { return schema }
        let planned = planned.types[section.kind] ?? []
        let kind = planned.isEmpty ? ValueKind.choice(types) : .choiceWithPlanned(types, planned: planned)
        do throws(ValueProblem) { _ = try kind.value(expanded.text, folder: "") } catch {
            report(error, entry, template, expanded, section)
        }
        // As far as one can tell what was meant, its keys are looked at too.
        let meant = suggestion(for: expanded.text, among: types)
        return candidates.first { $0.type == meant }
    }

    // MARK: Keys

    /// The values of a section while they come in.
    private struct Builder {
        var values: [String: Value] = [:]
        var places: [String: Place] = [:]
        var secrets: [String: SecretReference] = [:]
        var hidden: Set<String> = []
        /// Keys whose value stands in the file as it is.
        var literal: Set<String> = []
        /// Keys that are set, rightly or wrongly: no default for them.
        var seen: Set<String> = []
        var standIns: Set<String> = []
        var fallbacks: [String: Value?] = [:]
        /// Something must be there, and nothing can be.
        var isHopeless = false

        func section(_ section: MergedSection, type: String?) -> Section {
            var values = values
            var places = places
            if let type {
                values["type"] = .string(type)
                places["type"] = section.entries["type"]?.valuePlace
            }
            return Section(
                kind: section.kind, name: section.name, type: type, place: section.place, values: values,
                places: places,
                secrets: secrets, hiddenKeys: hidden, literalKeys: literal, standIns: standIns, fallbacks: fallbacks)
        }
    }

    private mutating func set(_ key: Key, _ entry: ParsedEntry, _ section: MergedSection, _ builder: inout Builder) {
        if let template = entry.value, template.isUnset { return }
        builder.seen.insert(key.name)
        builder.places[key.name] = entry.valuePlace
        if !key.isRequired { builder.fallbacks[key.name] = .some(defaultValue(key)) }
        guard let template = entry.value, let expanded = expand(template, entry, section) else {
            return standIn(for: key, &builder)
        }
        if expanded.isStandIn {
            builder.standIns.insert(key.name)
            builder.hidden.insert(key.name)
            if key.kind != .secret {
                warnUnseen(entry, section)
                return standIn(for: key, &builder)
            }
        }
        if key.isRequired, expanded.text.isEmpty {
            error(entry.valuePlace, "\(section.heading) \(key.name) is empty; \(advice(key))")
            return standIn(for: key, &builder)
        }
        do throws(ValueProblem) {
            builder.values[key.name] = try key.kind.value(
                expanded.text, folder: folder(of: entry.place.file), like: key.defaultText ?? key.example)
        } catch {
            report(error, entry, template, expanded, section)
            return standIn(for: key, &builder)
        }
        if key.kind == .secret { builder.secrets[key.name] = expanded.secret }
        if expanded.isFromFile { builder.hidden.insert(key.name) }
        if template.raw == expanded.text { builder.literal.insert(key.name) }
    }

    private mutating func setDefault(_ key: Key, _ section: MergedSection, _ builder: inout Builder) {
        if let value = defaultValue(key) {
            builder.values[key.name] = value
        } else if key.isRequired {
            let place = section.entries[key.name]?.place ?? section.place
            error(place, "\(section.heading) \(key.name) is missing; \(advice(key))")
            standIn(for: key, &builder)
        }
    }

    private func defaultValue(_ key: Key) -> Value? {
        guard let text = key.defaultText else { return nil }
        guard let value = try? key.kind.value(replacingDataDirectory(text), folder: "") else {
            preconditionFailure("the default of \(key.name) is not one of its values")
        }
        return value
    }

    /// Puts something in the place of a value that is wrong, so that the section's others can be looked at.
    private func standIn(for key: Key, _ builder: inout Builder) {
        let example = key.example.flatMap { try? key.kind.value($0, folder: "") }
        let text = (try? key.kind.value("stand-in", folder: "/")) ?? nil
        builder.standIns.insert(key.name)
        if let value = defaultValue(key) ?? (key.kind == .secret ? text : example ?? text) {
            builder.values[key.name] = value
        } else if key.isRequired {
            builder.isHopeless = true
        }
        if key.kind == .secret { builder.secrets[key.name] = SecretReference(literal: "stand-in") }
    }

    // Defaults may say ${data_dir}, as a file may.
    private func replacingDataDirectory(_ text: String) -> String {
        guard text.hasPrefix("${data_dir}"), let directory = expander.dataDirectory else { return text }
        return directory + text.dropFirst("${data_dir}".count)
    }

    private func advice(_ key: Key) -> String {
        guard let example = key.example, key.kind != .secret else {
            return key.kind == .secret
                ? "add a line '\(key.name) = ${file:/path}' or '\(key.name) = ${env:NAME}'"
                : "add a line '\(key.name) = ...'"
        }
        return "add a line such as '\(key.name) = \(example)'"
    }

    // MARK: Reports

    private mutating func expand(
        _ template: Template, _ entry: ParsedEntry, _ section: MergedSection
    ) -> Expander.Expanded? {
        switch expander.expand(template) {
        case .success(let expanded): return expanded
        case .failure(let missing):
            // Who does not use the value does not need it.
            if let needed, !needed.contains(section.kind) { return nil }
            for problem in missing.problems {
                error(problem.place, "\(section.heading) \(entry.key): \(problem.message)")
            }
            return nil
        }
    }

    private mutating func report(
        _ problem: ValueProblem, _ entry: ParsedEntry, _ template: Template, _ expanded: Expander.Expanded,
        _ section: MergedSection
    ) {
        // Only what stands in the file is quoted: a variable or another file may hold a secret.
        let message =
            template.hasReferences
            ? "the value of '\(shown(template.raw))' \(problem.text)"
            : "'\(shown(problem.item ?? expanded.text))' \(problem.text)"
                + (problem.example.map { ", such as \(shown($0))" } ?? "")
        error(entry.valuePlace, "\(section.heading) \(entry.key): \(message)")
    }

    private mutating func reportUnknown(_ entry: ParsedEntry, _ schema: SectionSchema, _ section: MergedSection) {
        let names = schema.keys.map(\.name) + (schema.type == nil ? [] : ["type"])
        let known = schema.type.map { "'type = \($0)'" } ?? section.heading
        let meant = suggestion(for: entry.key, among: names)
        if let key = schema.keys.first(where: { $0.name == meant }), key.kind != .secret {
            plainKeys.insert(entry.place)
        }
        if meant == nil, entry.isDoubtful {
            // Its name may be a piece of the secret above it.
            error(
                entry.place,
                "\(section.heading) unknown key; is it a part of the value above whose quote is not closed?")
            return
        }
        let advice =
            meant.map { "did you mean '\($0)'?" }
            ?? "\(known) knows \(names.prefix(4).joined(separator: ", ")) and more; 'connlog reference' describes each"
        error(entry.place, "\(section.heading) unknown key '\(entry.key)'; \(advice)")
    }

    // Whatever stood there could be right or wrong, so neither is said.
    private mutating func warnUnseen(_ entry: ParsedEntry, _ section: MergedSection) {
        let message =
            "\(section.heading) \(entry.key): its credential was not read, so nobody has looked whether the value is "
            + "right; in ${file:/path}, or as text, it would be checked"
        diagnostics.append(Diagnostic(.warning, entry.valuePlace, message))
    }

    private mutating func error(_ place: Place, _ message: String) {
        diagnostics.append(Diagnostic(.error, place, message))
    }
}
