using System.Text;

namespace Millrace.Engines;

/// <summary>The end of a text that may be long. Thread safe.</summary>
internal sealed class BoundedTail(int charsMax)
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a line; the oldest characters go.</summary>
    public void Add(string line)
    {
        lock (_text)
        {
            if (_text.Length > 0) _text.Append('\n');
            _text.Append(line);
            if (_text.Length > charsMax) _text.Remove(0, _text.Length - charsMax);
        }
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        lock (_text) return _text.ToString();
    }
}
