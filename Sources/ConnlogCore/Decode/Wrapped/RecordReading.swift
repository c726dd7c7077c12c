internal import ConnlogSystem

/// What a JSON object on a line is: a line that somebody has wrapped, a list of such, or neither.
///
/// An entry of coderd's own is that and nothing else, whatever members it has. Nothing is searched for "something like an
/// event": a shape's own key holds the line, and its marks are looked at one by one.
enum RecordReading {
    case none
    /// It is a wrapper, and what it holds cannot be read.
    case malformed(LineFault)
    case line(RecordLine)
    /// Elements that are objects of their own.
    case objects([Range<Int>])
    case lines([RecordLine])
}

/// Where a line stands, from the outermost wrapper inwards.
struct RecordContext: Sendable {
    /// Wrappers that were opened.
    var depth = 0
    var origin = Origin()
    /// Tells apart what is written at the same time.
    var key: [UInt8] = []

    static let depthMax = 3
}

/// A line that one wrapper holds.
struct RecordLine {
    enum Content {
        case text(FieldRange)
        case bytes([UInt8])
        /// Fields that were parsed on the way, and the object around them.
        case object(Range<Int>, around: Range<Int>)
        /// The same, made anew.
        case made([UInt8])
    }

    enum Part {
        case whole, part
        /// What follows goes on with it and cannot be joined.
        case torn
        /// One of several that may come in any order, from 1.
        case numbered(number: Int, isLast: Bool)
    }

    var content: Content
    var part = Part.whole
    var context: RecordContext
    var mayHaveParts = false
}

/// Reads one object.
struct RecordReader: ~Escapable {
    let bytes: Span<UInt8>
    let object: Range<Int>
    let outer: RecordContext
    let wrapper: Wrapper?
    let conditions: OriginConditions

    @_lifetime(copy bytes)
    init(
        _ bytes: Span<UInt8>, _ object: Range<Int>, _ outer: RecordContext, _ wrapper: Wrapper?,
        _ conditions: OriginConditions
    ) {
        self.bytes = bytes
        self.object = object
        self.outer = outer
        self.wrapper = wrapper
        self.conditions = conditions
    }

    func read() -> RecordReading {
        let members = RecordMembers(bytes, object)
        if members.isEntry || outer.depth >= RecordContext.depthMax { return .none }
        let list = list(members)
        if case .none = list {
            guard let (shape, text) = RecordShape.find(members, as: wrapper) else { return .none }
            if members.hasRepeated { return malformed(object.lowerBound) }
            return line(shape, text, members)
        }
        return members.hasRepeated ? malformed(object.lowerBound) : list
    }

    func malformed(_ place: Int) -> RecordReading { .malformed(LineFault(.badContainerLine, at: place)) }

    // MARK: One line

    private func line(_ shape: RecordShape, _ text: FieldRange, _ members: RecordMembers) -> RecordReading {
        let parsed = parsedEntry(shape, text, members)
        guard let content = parsed ?? content(text, shape) else { return malformed(text.range.lowerBound) }
        guard let part = part(shape, text, members) else { return malformed(text.range.lowerBound) }
        let whole = FieldRange(start: object.lowerBound, length: object.count, kind: .object)
        var context = context(shape.wrapper, shape.stream.map { JSONMembers.find(bytes, whole, $0) })
        context.origin.take(origin(shape, whole, members), conditions)
        addOrigin(&context)
        // What comes in between is no part of it.
        if case .numbered = part {
            add(members[.partialID], to: &context.key)
            add(JSONMembers.find(bytes, members[.split], ["uid"]), to: &context.key)
        }
        return .line(
            RecordLine(
                content: content, part: part, context: context,
                mayHaveParts: { if case .none = shape.parts { false } else { true } }()))
    }

    /// - Parameter values: what tells the stream from others.
    func context(_ wrapper: Wrapper, _ values: [FieldRange?]) -> RecordContext {
        var context = outer
        context.depth += 1
        context.key.append(UInt8(truncatingIfNeeded: wrapper.rawValue))
        for value in values { add(value, to: &context.key) }
        return context
    }

    /// At most so much of a value: keys are compared for each line.
    private static let keyBytesMax = 256

    private func add(_ value: FieldRange?, to key: inout [UInt8]) {
        key.append(0)
        guard let value else { return }
        for place in value.range.prefix(RecordReader.keyBytesMax) { key.append(bytes[place]) }
    }

    /// What is believed never shares a state with what is not.
    func addOrigin(_ context: inout RecordContext) {
        context.key.append(conditions.fits(context.origin) ? 2 : 1)
        for field in Origin.Field.allCases {
            context.key += (context.origin[field] ?? "").utf8.prefix(RecordReader.keyBytesMax)
            context.key.append(0)
        }
    }

    private func origin(_ shape: RecordShape, _ whole: FieldRange, _ members: RecordMembers) -> Origin {
        var origin = Origin()
        for (field, path) in shape.origin where origin[field] == nil {
            guard let value = JSONMembers.find(bytes, whole, path), value.isString else { continue }
            origin[field] = JSONText.string(bytes, value.range)
        }
        if members.has(.transport) { checkJournal(&origin, members) }
        return origin
    }

    /// Of a record of the journal only what journald itself has added counts, which begins with an underscore: any local user
    /// can claim a container's name. A unit's own output comes over `stdout`; Docker's daemon alone speaks for its
    /// containers.
    private func checkJournal(_ origin: inout Origin, _ members: RecordMembers) {
        let isDocker = origin[.unit] == "docker.service"
        let isOutput = text(members[.transport]) == "stdout"
        let isNative = text(members[.transport]) == "journal"
        if !(isDocker && isNative) { origin[.container] = nil }
        if !isOutput, !(isDocker && isNative) { origin[.unit] = nil }
    }

    func text(_ value: FieldRange) -> String? { value.isString ? JSONText.string(bytes, value.range) : nil }

    // MARK: The line itself

    private func content(_ text: FieldRange, _ shape: RecordShape) -> RecordLine.Content? {
        switch text.kind {
        case .string, .escapedString: return isLeftOut(text.range) ? nil : .text(text)
        case .object: return .object(text.range, around: object)
        case .array: return array(text)
        default: return nil
        }
    }

    /// Of an entry whose fields Datadog has parsed the message alone is left where the line was.
    private func parsedEntry(
        _ shape: RecordShape, _ text: FieldRange, _ members: RecordMembers
    ) -> RecordLine.Content? {
        guard shape.wrapper == .datadog, members[.attributes].kind == .object,
            equal(bytes, text.range, "connection_log") || equal(bytes, text.range, "audit_log"),
            JSONMembers.find(bytes, members[.attributes], ["fields"])?.kind == .object
        else { return nil }
        return .object(members[.attributes].range, around: object)
    }

    /// `[600B blob data]`: journalctl has left the message out.
    private func isLeftOut(_ text: Range<Int>) -> Bool {
        text.count < 40 && hasPrefix(bytes, at: text.lowerBound, "[")
            && equal(bytes, max(text.lowerBound, text.upperBound - 11)..<text.upperBound, " blob data]")
    }

    /// Bytes as numbers, or the first of several values.
    private func array(_ array: FieldRange) -> RecordLine.Content? {
        var elements = JSONElements(bytes, array.range)
        guard let first = elements.next() else { return nil }
        switch first.kind {
        case .string, .escapedString: return .text(first)
        case .array: return self.array(first)
        case .number: break
        default: return nil
        }
        var text: [UInt8] = []
        var next: FieldRange? = first
        while let value = next {
            guard value.kind == .number, let number = EventValue.integer(bytes, value.range),
                let byte = UInt8(exactly: number)
            else { return nil }
            text.append(byte)
            next = elements.next()
        }
        return .bytes(text)
    }

    // MARK: Parts

    /// `nil` if the record says itself that something is missing.
    private func part(_ shape: RecordShape, _ text: FieldRange, _ members: RecordMembers) -> RecordLine.Part? {
        switch shape.parts {
        case .none: return .whole
        case .lineFeed:
            if text.kind == .object { return .whole }
            return endsWithLineFeed(text) ? .whole : .part
        case .tag(let key): return hasPrefix(bytes, at: members[key].range.lowerBound, "P") ? .part : .whole
        case .vector: return isTrue(members[.isPartial]) ? .part : .whole
        case .filebeat: return filebeatPart
        case .journal: return journalPart(members)
        case .fluentd: return fluentdPart(members)
        case .split: return splitPart(members)
        }
    }

    private func endsWithLineFeed(_ text: FieldRange) -> Bool {
        guard text.kind == .escapedString else { return false }
        return ContainerLine.endsWithLineFeed(bytes, text.range)
    }

    func isTrue(_ value: FieldRange) -> Bool {
        value.kind == .bool && hasPrefix(bytes, at: value.range.lowerBound, "t") || text(value) == "true"
    }

    private var filebeatPart: RecordLine.Part? {
        let whole = FieldRange(start: object.lowerBound, length: object.count, kind: .object)
        guard let flags = JSONMembers.find(bytes, whole, ["log", "flags"]), flags.kind == .array else { return .whole }
        var part = RecordLine.Part.whole
        var elements = JSONElements(bytes, flags.range)
        while let flag = elements.next() {
            if text(flag) == "truncated" { return nil }
            if text(flag) == "partial" { part = .part }
        }
        return part
    }

    private func journalPart(_ members: RecordMembers) -> RecordLine.Part {
        if isTrue(members[.journalPartial]) { return .part }
        return switch text(members[.lineBreak]) {
        case "line-max": .part
        case "nul": .torn
        default: .whole
        }
    }

    private func fluentdPart(_ members: RecordMembers) -> RecordLine.Part? {
        guard isTrue(members[.partialMessage]) else { return .whole }
        guard let number = integer(members[.partialOrdinal]), members[.partialID].isString else { return .part }
        return .numbered(number: number, isLast: isTrue(members[.partialLast]))
    }

    private func splitPart(_ members: RecordMembers) -> RecordLine.Part? {
        let split = members[.split]
        guard split.kind == .object else { return .whole }
        guard JSONMembers.find(bytes, split, ["uid"])?.isString == true,
            let total = JSONMembers.find(bytes, split, ["totalSplits"]).flatMap({ integer($0) }), total > 0
        else { return nil }
        // A zero is left out by some.
        let index = JSONMembers.find(bytes, split, ["index"]).flatMap { integer($0) } ?? 0
        return .numbered(number: index + 1, isLast: index + 1 == total)
    }

    func integer(_ value: FieldRange) -> Int? {
        switch value.kind {
        case .number, .string: EventValue.integer(bytes, value.range)
        default: nil
        }
    }
}
