internal import ConnlogSystem

/// Objects of JSON written member by member, each followed by its comma; an object without members is not written.
enum SIEMJSON {
    /// Begins an object or a list.
    /// - Parameter opening: its key and `{` or `[`.
    /// - Returns: what `close` wants back.
    static func open(_ opening: StaticString, _ writer: inout ByteWriter) -> Int {
        writer.append(opening)
        return writer.count
    }

    /// Ends it.
    /// - Parameters:
    ///   - start: what `open` returned.
    ///   - opening: the same as there, to be taken back if nothing was written since.
    ///   - closing: `},` or `],`.
    static func close(
        _ start: Int, _ opening: StaticString, ending closing: StaticString = "},", _ writer: inout ByteWriter
    ) {
        if writer.count == start { return writer.removeLast(opening.utf8CodeUnitCount) }
        writer.removeLast(1)
        writer.append(closing)
    }

    /// A text, if there is one.
    /// - Parameters:
    ///   - opening: the key, the colon and a quote; or only the quote, of a list's item.
    ///   - closing: the quote after it, and what follows.
    static func text(
        _ opening: StaticString, _ value: TextRange?, _ record: Span<UInt8>, _ text: inout SIEMText,
        _ writer: inout ByteWriter, closing: StaticString = "\","
    ) {
        guard let value else { return }
        writer.append(opening)
        text.append(value, of: record, as: .json, to: &writer)
        writer.append(closing)
    }

    /// A name that a directory knows.
    static func name(_ opening: StaticString, _ name: String?, _ writer: inout ByteWriter) {
        guard let name, !name.isEmpty else { return }
        writer.append(opening)
        SIEMText.append(name, as: .json, to: &writer)
        writer.append("\",")
    }

    /// An address.
    static func address(
        _ opening: StaticString, _ address: SIEMAddress?, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        guard let address else { return }
        writer.append(opening)
        writer.append(record.extracting(address.range))
        writer.append("\",")
    }

    /// A number.
    static func number(_ opening: StaticString, _ value: Int?, _ writer: inout ByteWriter) {
        guard let value else { return }
        writer.append(opening)
        SIEMEvent.writeNumber(value, &writer)
        writer.append(UInt8(ascii: ","))
    }
}
