internal import ConnlogSystem

/// Where a line that is not whole goes on with another entry: its writer was stopped, or the disk was full for a moment.
///
/// Text that others have chosen must not be able to pass for the second entry. Three things see to that:
///
/// - Only a line that is *not* whole is looked at, and coderd's whole lines always are: in a JSON string each quote has a
///   backslash before it, so the bytes `{"ts":` stand in none, and an object that is a value of a whole line is no entry.
/// - What is taken begins where the grammar fails, which is where the line was torn, not at any place where it looks like
///   an entry: text before the tear, an object inside a value included, was read as part of the first entry.
/// - It has to be whole to the end of the line. What the tail of a torn line holds inside a value has that value's end after
///   it.
///
/// In a human entry text stands in quotes without being changed, and a message stands there as it is. So there an entry is
/// taken only where a key is expected and never inside quotes that were not closed; and after the tear of a JSON line none
/// is taken where entries of the human sink have been seen, or stand between, since the quote that ends the torn string may
/// be somebody's text. Such an event is lost, counted and told.
enum TornLine {
    /// More entries than this on one line are nobody's accident; each costs a look at the rest of the line.
    static let entriesMax = 16

    /// - Parameters:
    ///   - fault: why the line is not whole. Its place may be a little before or after the tear.
    ///   - isMixed: the stream holds entries of the human sink.
    /// - Returns: where the next entry begins.
    static func next(_ line: Span<UInt8>, _ fault: LineFault, isMixed: Bool) -> Int? {
        switch fault.reason {
        case .badHumanLine: human(line, fault.position)
        case .unexpectedByte, .controlCharacter, .badEscape, .badUTF8, .badNumber, .badLiteral:
            isMixed ? nil : json(line, fault.position, within: (fault.position - 2)..<(fault.position + 6))
        case .trailingBytes:
            isMixed ? nil : json(line, fault.position, within: fault.position..<(fault.position + 1))
        default: nil
        }
    }

    /// - Parameter places: torn inside a string, the opening's own quote ends it and `ts` is the fault; an escape that was torn
    ///   is one from its backslash on, a character from its first byte on.
    private static func json(_ line: Span<UInt8>, _ fault: Int, within places: Range<Int>) -> Int? {
        guard let place = opening(line, fault, places), !holdsHumanEntry(line, 0..<place) else { return nil }
        return place
    }

    private static func opening(_ line: Span<UInt8>, _ fault: Int, _ places: Range<Int>) -> Int? {
        var place = fault
        if place < line.count, line[place] == 0 {
            // A hole.
            while place < line.count, line[place] == 0 { place += 1 }
            return isOpening(line, place) ? place : nil
        }
        for place in places.clamped(to: 1..<max(1, line.count)) where isOpening(line, place) { return place }
        let after = LinePrefix(line, from: fault).end
        if after > fault, isOpening(line, after) { return after }
        guard let wrapped = ContainerLine(cri: line, fault..<line.count), !wrapped.isPartial,
            isOpening(line, wrapped.content.lowerBound)
        else { return nil }
        return wrapped.content.lowerBound
    }

    static func holdsHumanEntry(_ line: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var place = range.lowerBound
        while place < range.upperBound, let found = firstIndex(of: " [", in: line, place..<range.upperBound) {
            if found >= range.lowerBound + 23, HumanHeader.isEntry(line, found - 23) { return true }
            place = found + 1
        }
        return false
    }

    private static func isOpening(_ line: Span<UInt8>, _ place: Int) -> Bool {
        hasPrefix(line, at: place, "{\"ts\":") || hasPrefix(line, at: place, "{\"log\":")
    }

    /// - Parameter fault: where a key was expected. A value that was torn ends with the second entry's date, and its time is
    ///   what is taken for a key; a key that was torn ends with the date.
    private static func human(_ line: Span<UInt8>, _ fault: Int) -> Int? {
        guard fault > 0, fault < line.count else { return nil }
        var end = fault
        while end < line.count, line[end] != UInt8(ascii: " ") { end += 1 }
        for place in [fault, fault - 11, end - 10] where place > 0 && HumanHeader.isEntry(line, place) {
            // After a quote that was opened it could be somebody's text, and so it could in a JSON line after the tear.
            let isInQuotes = place > fault && firstIndex(of: UInt8(ascii: "\""), in: line, fault..<place) != nil
            // Four blanks are a block's, and what stands in a block is text. Another entry before it stands in quotes that
            // the tear has left open, and what follows is out of step with the quotes.
            let isText =
                firstIndex(of: "{\"", in: line, 0..<place) != nil || firstIndex(of: "    ", in: line, 0..<place) != nil
                || holdsHumanEntry(line, 1..<place)
            return isInQuotes || isText ? nil : place
        }
        return nil
    }
}
