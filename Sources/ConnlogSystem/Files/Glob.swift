/// A path with wildcards: `*` for any characters, `?` for one, `[a-z]` and `[!a-z]` for one of a set, in any component;
/// a backslash takes the meaning from the next character.
///
/// As in the shell, no wildcard crosses a `/`, and a name that begins with a dot is matched only by a pattern that
/// begins with one. An unclosed `[` stands for itself.
package struct Glob: Sendable, Equatable {
    package let pattern: String
    private let isAbsolute: Bool
    private let components: [GlobComponent]

    package init(_ pattern: String) {
        self.pattern = pattern
        isAbsolute = pattern.hasPrefix("/")
        components = pattern.split(separator: "/").map { GlobComponent(String($0)) }
    }

    /// The pattern's last component has no wildcard: it names its files outright.
    package var namesFile: Bool { components.last?.literal != nil }

    /// The one directory whose names the pattern chooses from; `nil` when a wildcard leads to several.
    package var directory: String? {
        let names = components.dropLast().compactMap(\.literal)
        guard names.count == components.count - 1 else { return nil }
        if names.isEmpty { return isAbsolute ? "/" : "." }
        return (isAbsolute ? "/" : "") + names.joined(separator: "/")
    }

    /// Whether `path` is one that the pattern stands for, whatever the disk holds.
    package func matches(_ path: String) -> Bool {
        let names = path.split(separator: "/")
        guard names.count == components.count, path.hasPrefix("/") == isAbsolute else { return false }
        return zip(components, names).allSatisfy { $0.matches(String($1)) }
    }

    /// What the pattern stands for on the disk now. A last component without wildcards is taken to exist.
    package func expand(_ fileSystem: some FileSystem = LocalFileSystem()) -> GlobMatches {
        var matches = GlobMatches()
        var bases = [isAbsolute ? "/" : ""]
        for (index, component) in components.enumerated() {
            let isLast = index == components.count - 1
            if isLast { matches.directories = bases.map { $0.isEmpty ? "." : $0 } }
            bases = bases.flatMap { base in
                component.children(of: base, fileSystem, &matches.problems)
            }
        }
        matches.paths = components.isEmpty ? [] : bases.sorted()
        return matches
    }
}

/// What a pattern stands for.
package struct GlobMatches: Sendable, Equatable {
    /// Sorted. They may be files, directories or anything else.
    package var paths: [String] = []
    /// Where the last component was looked for; a new file there may match.
    package var directories: [String] = []
    /// Directories that could not be listed.
    package var problems: [SystemError] = []
}

/// The part of a pattern between two slashes.
struct GlobComponent: Sendable, Equatable {
    private enum Piece: Sendable, Equatable {
        case scalar(Unicode.Scalar)
        case anyOne
        case anyMany
        case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .scalar(let own): own == scalar
            case .anyOne: true
            case .anyMany: false
            case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    private let pieces: [Piece]
    /// The name, when it has no wildcard.
    let literal: String?

    init(_ text: String) {
        let scalars = Array(text.unicodeScalars)
        var pieces: [Piece] = []
        var index = 0
        while index < scalars.count {
            let (piece, next) = GlobComponent.piece(scalars, index)
            // Many stars in a row mean the same as one and would only cost time.
            if piece != .anyMany || pieces.last != .anyMany { pieces.append(piece) }
            index = next
        }
        self.pieces = pieces
        var name = String.UnicodeScalarView()
        for case .scalar(let scalar) in pieces { name.append(scalar) }
        literal = name.count == pieces.count ? String(name) : nil
    }

    func matches(_ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        if scalars.first == ".", let first = pieces.first, first != .scalar(".") { return false }
        var (piece, scalar) = (0, 0)
        var retry: (piece: Int, scalar: Int)?
        while scalar < scalars.count {
            if piece < pieces.count, pieces[piece] == .anyMany {
                piece += 1
                retry = (piece, scalar)
            } else if piece < pieces.count, pieces[piece].matches(scalars[scalar]) {
                piece += 1
                scalar += 1
            } else if let last = retry {
                // The last star takes one more; earlier stars never need to, so this is no exponential search.
                retry = (last.piece, last.scalar + 1)
                (piece, scalar) = (last.piece, last.scalar + 1)
            } else {
                return false
            }
        }
        while piece < pieces.count, pieces[piece] == .anyMany { piece += 1 }
        return piece == pieces.count
    }

    /// The paths below `base` that this component leads to; a literal one is not looked up.
    func children(
        of base: String, _ fileSystem: some FileSystem, _ problems: inout [SystemError]
    ) -> [String] {
        let prefix = base.isEmpty || base.hasSuffix("/") ? base : base + "/"
        if let literal { return [prefix + literal] }
        do throws(SystemError) {
            let names = try fileSystem.list(base.isEmpty ? "." : base)
            return names.filter(matches).map { prefix + $0 }
        } catch {
            // A file among the matches of an earlier wildcard is nothing to list and nothing wrong.
            if error.code != Errno.notDirectory { problems.append(error) }
            return []
        }
    }

    private static func piece(_ scalars: [Unicode.Scalar], _ index: Int) -> (Piece, Int) {
        switch scalars[index] {
        case "*": return (.anyMany, index + 1)
        case "?": return (.anyOne, index + 1)
        case "\\" where index + 1 < scalars.count: return (.scalar(scalars[index + 1]), index + 2)
        case "[": return set(scalars, index) ?? (.scalar("["), index + 1)
        default: return (.scalar(scalars[index]), index + 1)
        }
    }

    private static func set(_ scalars: [Unicode.Scalar], _ start: Int) -> (Piece, Int)? {
        var index = start + 1
        var isNegated = false
        if index < scalars.count, scalars[index] == "!" || scalars[index] == "^" {
            isNegated = true
            index += 1
        }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let first = index
        while index < scalars.count {
            // A bracket that comes first is one of the set.
            if scalars[index] == "]", index > first { return (.oneOf(ranges, isNegated: isNegated), index + 1) }
            let low = scalars[index]
            if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
                let high = scalars[index + 2]
                if low <= high { ranges.append(low...high) }
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }
}
