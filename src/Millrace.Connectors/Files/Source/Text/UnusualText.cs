namespace Millrace.Connectors.Files.Source.Text;

/// <summary>
/// The text has something that the quick reader does not take, a quote inside a field or a row with too few fields. The unit is read once
/// more by DuckDB's own readers, which know more forms and explain what none of them takes.
/// </summary>
internal sealed class UnusualText(string what, Exception? inner = null) : Exception(what, inner);
