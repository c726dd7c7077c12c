#if Server
import ConnlogStore
import ConnlogTestSupport

/// The rule of `PersonSearch` in plain SQL over the events, nothing kept and nothing clever, for a PostgreSQL.
struct PlainPeople {
    let postgres: PostgresServer

    /// Of each row: its id, whom it was, on what basis, and the candidates with the rows they rest on.
    struct Line: Equatable, Comparable, CustomStringConvertible {
        let description: String

        init(_ text: String) { description = text }

        init(_ row: ConnectionRow) {
            let person = row.person
            let candidates = (person?.candidates ?? []).map { "\($0.id)@\($0.row ?? "")" }.joined(separator: ",")
            description = "\(row.id ?? "")|\(person?.id ?? "")|\(person?.basis.word ?? "")|\(candidates)"
        }

        static func < (one: Line, other: Line) -> Bool { one.description < other.description }
    }

    /// - Parameters:
    ///   - events: in the order in which they came in.
    ///   - kept: ids of the rows that retention has kept; `nil`: all.
    func lines(_ events: [ToldEvent], kept: Set<String>? = nil) throws -> [Line] {
        func text(_ text: String?) -> String { text.map { $0.isEmpty ? "\\N" : $0 } ?? "\\N" }
        let copied = events.enumerated().map { number, event in
            [
                "\(number)", text(event.id), "\(event.microseconds)", event.type, text(event.code.map { "\($0)" }),
                text(event.connection), text(event.organization), text(event.workspace), text(event.agent),
                text(event.user), text(event.slug), text(event.clientSession),
            ].joined(separator: "\t")
        }
        let wanted = kept.map { "WHERE id IN (\(($0 + ["none"]).map { "'\($0)'" }.joined(separator: ",")))" } ?? ""
        return try postgres.output(
            of: """
                CREATE TEMPORARY TABLE events(n int, id text, at bigint, type text, code int, connection text, organization text,
                    workspace text, agent text, usr text, slug text, session text);
                COPY events FROM STDIN;
                \(copied.joined(separator: "\n"))
                \\.
                CREATE TEMPORARY TABLE rows AS SELECT * FROM (
                    SELECT (array_agg(id ORDER BY n))[1] AS id, min(at) AS start, (array_agg(type ORDER BY n))[1] AS type,
                        (array_agg(code ORDER BY at, code) FILTER (WHERE code IS NOT NULL))[1] AS code,
                        (array_agg(organization ORDER BY n))[1] AS organization, (array_agg(workspace ORDER BY n))[1] AS workspace,
                        (array_agg(agent ORDER BY n))[1] AS agent, (array_agg(usr ORDER BY n))[1] AS usr,
                        (array_agg(slug ORDER BY n))[1] AS slug, (array_agg(session ORDER BY n))[1] AS session
                    FROM events GROUP BY coalesce(connection, id), organization, CASE WHEN connection IS NULL THEN '' ELSE workspace END,
                        CASE WHEN connection IS NULL THEN '' ELSE agent END) all_rows \(wanted);
                CREATE TEMPORARY VIEW let_in AS SELECT * FROM rows WHERE usr IS NOT NULL AND (type = 'tunnel' AND code = 101
                    OR type = 'workspace_app' AND slug = 'terminal' AND (code = 101 OR code BETWEEN 200 AND 299));
                CREATE TEMPORARY VIEW named AS SELECT * FROM rows WHERE usr IS NOT NULL AND session IS NOT NULL AND CASE
                    WHEN type = 'tunnel' THEN code = 101 WHEN type IN ('workspace_app', 'port_forwarding')
                    THEN code = 101 OR code BETWEEN 200 AND 299 ELSE true END;
                WITH told AS (SELECT r.*,
                    (SELECT count(DISTINCT usr) FROM named n WHERE n.session = r.session AND n.organization = r.organization) AS names,
                    (SELECT n.usr || '@' || n.id FROM named n WHERE n.session = r.session AND n.organization = r.organization
                        ORDER BY n.start, n.id LIMIT 1) AS named_by,
                    (SELECT array_agg(usr || '@' || id ORDER BY start DESC, usr) FROM (
                        SELECT DISTINCT ON (usr) usr, id, start FROM let_in l WHERE l.organization = r.organization
                            AND l.workspace = r.workspace AND l.agent = r.agent AND l.start <= r.start
                            AND l.start >= r.start - 43200000000 AND (l.type = 'tunnel' OR r.type = 'reconnecting_pty')
                        ORDER BY usr, start DESC, id) c) AS candidates,
                    (SELECT count(DISTINCT usr) FROM let_in l WHERE l.organization = r.organization AND l.workspace = r.workspace
                        AND l.agent = r.agent AND (l.type = 'tunnel' OR r.type = 'reconnecting_pty') AND l.start = (
                            SELECT max(start) FROM let_in l WHERE l.organization = r.organization AND l.workspace = r.workspace
                                AND l.agent = r.agent AND l.start <= r.start AND (l.type = 'tunnel' OR r.type = 'reconnecting_pty')))
                        AS nearest FROM rows r)
                SELECT id || CASE WHEN usr IS NOT NULL THEN '|' || usr || '|recorded|'
                    WHEN type IN ('tunnel', 'workspace_app', 'port_forwarding') THEN '||none|'
                    WHEN names = 1 THEN '|' || split_part(named_by, '@', 1) || '|session|' || named_by
                    WHEN candidates IS NULL THEN '||none|'
                    WHEN nearest > 1 THEN '||none|' || array_to_string(candidates, ',')
                    ELSE '|' || split_part(candidates[1], '@', 1) || '|' || CASE array_length(candidates, 1)
                        WHEN 1 THEN 'only_candidate' ELSE 'nearest_of_' || array_length(candidates, 1) END
                        || '|' || array_to_string(candidates, ',') END FROM told;
                """
        ).map(Line.init).sorted()
    }
}
#endif
