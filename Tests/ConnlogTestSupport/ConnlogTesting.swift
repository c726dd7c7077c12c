/// What programs outside may test with too: tests get both by one import.
@_exported public import ConnlogTesting
