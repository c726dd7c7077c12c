internal import ConnlogSystem

/// A line of text after the name of the container that has written it, as a tool puts one in front of each:
///
///     kubectl     [pod/coder-0/coder]·line           kubectl logs --prefix
///     compose     coder-1  |·line                    docker compose logs --no-color
///     stern       coder-0·coder·line                 stern --color=never
///                 coder·coder-0·coder·line           of several namespaces, where from_namespace asks for one
///
/// Only where the source's `format` says so: then no line comes without its prefix, and what looks like one after it is text
/// of the container. So the name in it is believed. stern puts bare words there, and the first one of a line could pass for
/// a container's name, so how many there are is not told by looking.
struct NamedLine {
    let container: Range<Int>
    let namespace: Range<Int>?
    /// Tells apart what is written at the same time.
    let writer: Range<Int>
    let content: Range<Int>

    init?(_ bytes: Span<UInt8>, _ line: Range<Int>, _ wrapper: Wrapper, _ conditions: OriginConditions) {
        var reader = NameReader(bytes, line)
        var space: Range<Int>?
        switch wrapper {
        case .kubectl:
            guard reader.take("[pod/"), let pod = reader.name(), reader.take("/"), let name = reader.name(),
                reader.take("]"), reader.blank()
            else { return nil }
            (container, writer) = (name, pod.lowerBound..<name.upperBound)
        case .compose:
            guard let name = reader.name(), reader.take(" ") else { return nil }
            while reader.take(" ") {}
            guard reader.take("|"), reader.blank() else { return nil }
            (container, writer) = (name, name)
        case .stern:
            if !conditions.namespaces.isEmpty {
                guard let name = reader.name(), reader.take(" ") else { return nil }
                space = name
            }
            guard let pod = reader.name(), reader.take(" "), let name = reader.name(), reader.blank() else {
                return nil
            }
            (container, writer) = (name, (space ?? pod).lowerBound..<name.upperBound)
        default: return nil
        }
        namespace = space
        content = reader.at..<line.upperBound
    }
}

private struct NameReader: ~Escapable {
    private let bytes: Span<UInt8>
    private let end: Int
    private(set) var at: Int

    /// Of a name in Kubernetes, which has 253; Docker's may be as long.
    private static let nameMax = 255

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, _ line: Range<Int>) {
        self.bytes = bytes
        at = line.lowerBound
        end = line.upperBound
    }

    mutating func take(_ text: StaticString) -> Bool {
        guard at + text.utf8CodeUnitCount <= end, hasPrefix(bytes, at: at, text) else { return false }
        at += text.utf8CodeUnitCount
        return true
    }

    /// Tools leave it out where nothing follows.
    mutating func blank() -> Bool { at == end || take(" ") }

    mutating func name() -> Range<Int>? {
        let start = at
        while at < end, at - start < NameReader.nameMax, NameReader.isOfName(bytes[at]) { at += 1 }
        return at > start ? start..<at : nil
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_")
    }
}

extension EventDecoder {
    /// What stands in front of the lines that `format` names, if that is text.
    var isNamedByPrefix: Bool { wrapper == .kubectl || wrapper == .compose || wrapper == .stern }

    /// Takes a line without its prefix.
    mutating func named(_ named: NamedLine, _ line: Range<Int>, _ batch: inout EventBatch) {
        let (stream, context) = streamOf(named, &batch)
        hasRecords = true
        let outer = record
        record = context
        defer { record = outer }
        takeWrapped(ContainerLine(stream: stream, isPartial: false, content: named.content), line, &batch)
    }

    mutating func streamOf(_ named: NamedLine, _ batch: inout EventBatch) -> (Int, RecordContext) {
        var context = RecordContext()
        context.depth = 1
        context.origin[.container] = batch.bytes.text(named.container)
        if let namespace = named.namespace { context.origin[.namespace] = batch.bytes.text(namespace) }
        context.key = Array(batch.bytes.text(named.writer).utf8)
        let found = RecordLine(content: .bytes([]), context: context)
        return (streamOf(found, &batch), context)
    }
}
