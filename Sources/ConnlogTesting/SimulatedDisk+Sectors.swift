/// What is on disk of a file, and what may be, sector by sector.
extension SimulatedDisk.Node {
    private static var sectorBytes: Int { SimulatedFileSystem.sectorBytes }

    private func range(of sector: Int, in bytes: [UInt8]) -> Range<Int> {
        let start = min(bytes.count, sector * Self.sectorBytes)
        return start..<min(bytes.count, start + Self.sectorBytes)
    }

    /// These bytes are about to be written: what was there since the last sync may be what is on disk after a crash.
    mutating func touch(_ bytes: Range<Int>) {
        guard !bytes.isEmpty else { return }
        for sector in bytes.lowerBound / Self.sectorBytes...(bytes.upperBound - 1) / Self.sectorBytes {
            if let older = unsynced[sector] {
                unsynced[sector] = older + [Array(written[range(of: sector, in: written)])]
            } else {
                unsynced[sector] = []
            }
            forgotten.remove(sector)
        }
    }

    mutating func sync() {
        var bytes = resized(synced, to: written.count)
        for sector in unsynced.keys { put(written, sector, into: &bytes) }
        synced = bytes
        unsynced = [:]
    }

    /// A failed sync: some sectors got to the disk, the others never will.
    mutating func loseSome(_ generator: inout SeededGenerator) {
        var bytes = resized(synced, to: written.count)
        for sector in unsynced.keys.sorted() {
            if Bool.random(using: &generator) { put(written, sector, into: &bytes) } else { forgotten.insert(sector) }
        }
        synced = bytes
        unsynced = [:]
    }

    /// What is there after a crash of the machine.
    func survivor(_ odds: Int, _ generator: inout SeededGenerator) -> SimulatedDisk.Node {
        let isResized = Int.random(in: 0..<100, using: &generator) < odds
        var bytes = isResized ? resized(synced, to: written.count) : synced
        for sector in unsynced.keys.sorted() {
            guard Int.random(in: 0..<100, using: &generator) < odds else { continue }
            let older = unsynced[sector] ?? []
            let version = odds == 100 ? older.count : Int.random(in: 0...older.count, using: &generator)
            guard version < older.count else {
                put(written, sector, into: &bytes)
                continue
            }
            let place = range(of: sector, in: bytes)
            bytes.replaceSubrange(place, with: resized(older[version], to: place.count))
        }
        return SimulatedDisk.Node(written: bytes, synced: bytes, modified: modified)
    }

    private func put(_ source: [UInt8], _ sector: Int, into bytes: inout [UInt8]) {
        let place = range(of: sector, in: bytes)
        let new = Array(source[range(of: sector, in: source)])
        bytes.replaceSubrange(place, with: resized(new, to: place.count))
    }

    private func resized(_ bytes: [UInt8], to count: Int) -> [UInt8] {
        Array(bytes.prefix(count)) + [UInt8](repeating: 0, count: max(0, count - bytes.count))
    }
}
