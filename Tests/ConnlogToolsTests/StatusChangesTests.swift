import ConnlogCore
import Testing

@testable import ConnlogTools

/// What is different since the last look.
@Suite struct StatusChangesTests {
    private let old = "queue  ok\nsink   LAG  DONE\nsiem   200  1000\nfile   0    1000\n"

    @Test func `what has changed is marked, and numbers say by how much`() {
        let new = old.replacing("200  1000", with: "120  2204")
        let lines = StatusChanges.lines(new, since: old)
        #expect(
            lines.filter(\.isChanged) == [.init(text: "siem   120  2204", marks: [7..<10, 12..<16], note: "-80 +1204")])
        #expect(StatusChanges.report(lines) == "siem   120  2204  (-80 +1204)\n")
    }

    @Test func `nothing has changed at the first look, or when nothing has`() {
        for before in [nil, old] { #expect(StatusChanges.lines(old, since: before).allSatisfy { !$0.isChanged }) }
        #expect(StatusChanges.report(StatusChanges.lines(old, since: old)) == "")
    }

    @Test func `ages and sizes are marked without a difference`() {
        let lines = StatusChanges.lines("a 7 s 12 MiB 5\n", since: "a 5 s 10 MiB 5\n")
        #expect(lines[0].marks.count == 2 && lines[0].note.isEmpty)
    }

    @Test func `a part that comes is marked, and the others are known by their names`() {
        let new = old.replacing("siem", with: "new    1    1\nsiem").replacing("200  1000", with: "200  1001")
        let lines = StatusChanges.lines(new, since: old)
        #expect(lines.map(\.isChanged) == [false, false, true, true, false, false])
    }

    @Test(arguments: [1, 2, 3, 5, 6, 100]) func `a frame fits the terminal and says what is missing`(rows: Int) {
        let lines = StatusChanges.lines(old.replacing("ok", with: String(repeating: "x", count: 200)), since: old)
        let frame = StatusChanges.frame(lines, columns: 30, rows: rows, isColoured: false)
        let shown = frame.replacing("\u{1b}[H", with: "").replacing("\u{1b}[K", with: "").replacing(
            "\u{1b}[J", with: "")
        let drawn = shown.split(separator: "\n")
        #expect(drawn.count < max(2, rows) && drawn.allSatisfy { DisplayWidth.of(String($0)) <= 30 })
        #expect(shown.contains("lines more") == (rows <= 4))
        #expect(!shown.contains("\u{1b}"))
    }

    @Test func `an error in a status does nothing to a terminal`() {
        let lines = StatusChanges.lines("sink x: \u{1b}[2J\u{9b}m 2\n", since: "sink x: 1\n")
        let frame = StatusChanges.frame(lines, columns: 100, rows: 40, isColoured: true)
        #expect(!frame.dropFirst(3).contains("\u{1b}[2J") && !frame.contains("\u{9b}"))
    }

    @Test func `what has changed is bold where there are colours`() {
        let lines = StatusChanges.lines("a 1\n", since: "a 0\n")
        #expect(StatusChanges.frame(lines, columns: 80, rows: 24, isColoured: true).contains("a \u{1b}[1m1\u{1b}[0m"))
        #expect(!StatusChanges.frame(lines, columns: 80, rows: 24, isColoured: false).contains("[1m"))
    }
}

/// What a shell is offered.
@Suite struct QueryCompletionTests {
    private let known = QueryCompletion(
        people: ["alice", "albert", "bob", "$(reboot)", "a b", "-rf", ""], organizations: ["engineering"])

    @Test func `keys, values and people are offered, also where they are excluded`() {
        #expect(known.candidates("ty") == ["type:"] && known.candidates("-ty") == ["-type:"])
        #expect(known.candidates("type:s") == ["type:ssh"])
        #expect(known.candidates("-status:ong") == ["-status:ongoing"])
        #expect(known.candidates("workspace_owner:al") == ["workspace_owner:alice", "workspace_owner:albert"])
        #expect(known.candidates("username:m") == ["username:me"])
        #expect(known.candidates("organization:") == ["organization:engineering"])
        #expect(known.candidates("nothing:x").isEmpty && known.candidates("zzz").isEmpty)
        #expect(known.candidates("").count == FilterQuery.keys.count)
    }

    @Test func `no name is offered that a shell would do something about`() {
        #expect(
            known.candidates("username:").sorted() == [
                "username:albert", "username:alice", "username:bob", "username:me",
            ])
    }

    @Test func `the server is asked only where names are of use`() {
        #expect(QueryCompletion.wantsNames("username:a") && QueryCompletion.wantsNames("-organization:"))
        for word in ["user", "type:a", "", ":", "-"] { #expect(!QueryCompletion.wantsNames(word), "\(word)") }
    }
}
