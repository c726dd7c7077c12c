internal import CConnlog

/// The parameters of a structured-data element and where each one's value lies: see `parameters.h`.
package struct SyslogParameters: Sendable {
    package struct Parameter: Sendable {
        package var name: String
        package var slot: UInt8
        /// Taken if `slot` is empty.
        package var otherSlot: UInt8?
        package var isAddress = false
        /// Without a value there is something else to write.
        package var isRequired = false

        package init(_ name: String, _ slot: UInt8) {
            self.name = name
            self.slot = slot
        }
    }

    private var list: [connlog_parameter]

    /// - Parameter parameters: with names of at most 13 bytes.
    package init(_ parameters: [Parameter]) {
        list = parameters.map { parameter in
            let opening = Array(" \(parameter.name)=\"".utf8)
            precondition(opening.count <= 16)
            var one = connlog_parameter()
            unsafe withUnsafeMutableBytes(of: &one.opening) { unsafe $0.copyBytes(from: opening) }
            one.length = UInt8(opening.count)
            one.slot = parameter.slot
            one.other_slot = parameter.otherSlot ?? parameter.slot
            one.is_address = parameter.isAddress ? 1 : 0
            one.is_required = parameter.isRequired ? 1 : 0
            return one
        }
    }

    /// Appends parameters from `number` on until one whose value is not simply text that may stand as it is.
    ///
    /// - Parameters:
    ///   - index: where the values lie.
    ///   - writer: with room for the openings, the values and 32 bytes.
    /// - Returns: the number of that one, or how many parameters there are.
    package func append(
        from number: Int, _ record: Span<UInt8>, _ index: Span<UInt64>, to writer: inout ByteWriter
    ) -> Int {
        precondition(index.count == RecordBatch.noteWords)
        var next = number
        let written = unsafe record.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            let target = unsafe (writer.base + writer.count).assumingMemoryBound(to: UInt8.self)
            return unsafe list.withUnsafeBufferPointer { list in
                guard let parameters = list.baseAddress else { return 0 }
                return unsafe index.withUnsafeBufferPointer { index in
                    guard let numbers = index.baseAddress else { return 0 }
                    return unsafe connlog_append_parameters(
                        parameters, list.count, &next, base, bytes.count, numbers, target)
                }
            }
        }
        writer.advance(by: written)
        return next
    }
}
