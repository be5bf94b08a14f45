using System.Buffers;
using System.Runtime.CompilerServices;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>What a value of a JSON object is, as far as <see cref="QuickJson"/> knows values.</summary>
internal enum QuickJsonKind
{
    Null,
    String,
    Plain,
}

/// <summary>
/// Walks over one line that is an object of plain members: keys and strings without escapes, numbers without exponents, no objects, no
/// lists. It takes nothing that is no JSON; what it does not take, a full reader looks at.
/// </summary>
internal ref struct QuickJson(ReadOnlySpan<byte> line)
{
    /// <summary>Where a string ends, or has an escape, or a control character that must not stand in it.</summary>
    public static readonly SearchValues<byte> StringEnds = SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    private readonly ReadOnlySpan<byte> _line = line;
    private int _at;

    /// <summary>The object's begin.</summary>
    public bool TryBegin() => TryTake((byte)'{');

    /// <summary>The key that is expected here, as programs write it: in quotes, the colon right behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryExpected(ReadOnlySpan<byte> keyAndColon)
    {
        if (!_line[_at..].StartsWith(keyAndColon)) return false;
        _at += keyAndColon.Length;
        return true;
    }

    /// <summary>A key and its colon.</summary>
    public bool TryKey(out ReadOnlySpan<byte> key)
    {
        key = default;
        return TryTake((byte)'"') && TryString(out key) && TryTake((byte)':');
    }

    /// <summary>A value; a string's text is without its quotes.</summary>
    public bool TryValue(out QuickJsonKind kind, out ReadOnlySpan<byte> value)
    {
        SkipSpace();
        value = default;
        kind = QuickJsonKind.Plain;
        if (_at >= _line.Length) return false;
        switch (_line[_at])
        {
            case (byte)'"':
                _at++;
                kind = QuickJsonKind.String;
                return TryString(out value);
            case (byte)'n':
                kind = QuickJsonKind.Null;
                return TryWord("null"u8, out value);
            case (byte)'t':
                return TryWord("true"u8, out value);
            case (byte)'f':
                return TryWord("false"u8, out value);
            default:
                return TryNumber(out value);
        }
    }

    /// <summary>What follows a value: a comma, or the object's end, behind which nothing may stand.</summary>
    public bool TryNext(out bool isEnd)
    {
        SkipSpace();
        isEnd = false;
        if (_at >= _line.Length) return false;
        var character = _line[_at++];
        if (character == (byte)',') return true;
        if (character != (byte)'}') return false;
        isEnd = true;
        SkipSpace();
        return _at == _line.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipSpace()
    {
        while (_at < _line.Length && _line[_at] is (byte)' ' or (byte)'\t' or (byte)'\r') _at++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTake(byte character)
    {
        SkipSpace();
        if (_at >= _line.Length || _line[_at] != character) return false;
        _at++;
        return true;
    }

    private bool TryString(out ReadOnlySpan<byte> text)
    {
        var rest = _line[_at..];
        var length = rest.IndexOfAny(StringEnds);
        if (length < 0 || rest[length] != (byte)'"')
        {
            text = default;
            return false;
        }

        text = rest[..length];
        _at += length + 1;
        return true;
    }

    private bool TryWord(ReadOnlySpan<byte> word, out ReadOnlySpan<byte> value)
    {
        value = word;
        if (!_line[_at..].StartsWith(word)) return false;
        _at += word.Length;
        return true;
    }

    // A minus or none, digits without a zero in front, a point and digits or none.
    private bool TryNumber(out ReadOnlySpan<byte> value)
    {
        var rest = _line[_at..];
        var at = rest[0] == (byte)'-' ? 1 : 0;
        var digits = Digits(rest, at);
        value = default;
        if (digits == 0 || (digits > 1 && rest[at] == (byte)'0')) return false;
        at += digits;
        if (at < rest.Length && rest[at] == (byte)'.')
        {
            digits = Digits(rest, at + 1);
            if (digits == 0) return false;
            at += 1 + digits;
        }

        value = rest[..at];
        _at += at;
        return true;
    }

    private static int Digits(ReadOnlySpan<byte> text, int start)
    {
        var at = start;
        while (at < text.Length && (uint)(text[at] - '0') <= 9) at++;
        return at - start;
    }
}
