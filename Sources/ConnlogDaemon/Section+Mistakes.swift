import ConnlogConfig

extension Section {
    /// Makes something of the section, or tells every mistake in it: what is refused is taken away, and it is looked again.
    func made<Made>(
        telling mistakes: inout [Diagnostic], _ make: (Section) throws(Diagnostic) -> Made
    ) -> Made? {
        do throws(Diagnostic) { return try make(self) } catch {
            mistakes.append(error)
            var rest = without(valueAt: error.place)
            while let section = rest {
                do throws(Diagnostic) {
                    _ = try make(section)
                    return nil
                } catch {
                    if mistakes.contains(error) { return nil }
                    mistakes.append(error)
                    rest = section.without(valueAt: error.place)
                }
            }
            return nil
        }
    }
}
