using System.Buffers;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// JSON as lines, one value on each: an array's elements, or values that follow one another. What stands between them becomes line ends,
/// line ends inside a value become blanks, and not more than a buffer is in memory however long the file is. What has no such form, and
/// a file that ends too early, fails the read with an <see cref="InvalidDataException"/>; whether a value is valid its reader will see.
/// </summary>
/// <param name="inner">UTF-8; a byte order mark is left out.</param>
internal sealed class JsonValueLines(Stream inner) : ReadOnlyStream(inner)
{
    private const int InputBytes = 64 * 1024;

    private static readonly SearchValues<byte> s_stringEnds = SearchValues.Create("\"\\"u8);

    private readonly byte[] _input = new byte[InputBytes];
    private int _at;
    private int _got;
    private Place _place = Place.Start;
    private bool _isArray;
    private int _depth;
    private bool _inString;
    private bool _isEscaped;
    private long _values;

    private enum Place
    {
        /// <summary>Nothing but white space so far.</summary>
        Start,

        /// <summary>Behind the array's beginning: a value or its end.</summary>
        First,

        /// <summary>Inside a value.</summary>
        Value,

        /// <summary>Behind a value: a comma or the array's end; without an array anything.</summary>
        Behind,

        /// <summary>Behind a comma: a value.</summary>
        Next,

        /// <summary>Behind the array.</summary>
        End,
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        while (true)
        {
            if (_at == _got)
            {
                _at = 0;
                _got = Inner.Read(_input);
                if (_got == 0)
                {
                    AssertWhole();
                    return 0;
                }
            }

            var written = 0;
            while (written < buffer.Length && _at < _got) written += _place == Place.Value ? Inside(buffer[written..]) : Between(buffer[written..]);
            if (written > 0) return written;
        }
    }

    // One byte between values; gives how many were written.
    private int Between(Span<byte> buffer)
    {
        var character = _input[_at];
        if (character is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' || (_place == Place.Start && character is 0xEF or 0xBB or 0xBF))
        {
            _at++;
            return 0;
        }

        switch (_place, character)
        {
            case (Place.Start, (byte)'['):
                _isArray = true;
                _place = Place.First;
                _at++;
                return 0;
            case (Place.First or Place.Behind, (byte)']') when _isArray:
                _place = Place.End;
                _at++;
                return 0;
            case (Place.Behind, (byte)',') when _isArray:
                _place = Place.Next;
                _at++;
                return 0;
            case (Place.Behind, _) when _isArray:
                throw new InvalidDataException($"found '{(char)character}' behind element {_values:N0} of the array, expected a comma or the array's end");
            case (Place.End, _):
                throw new InvalidDataException($"found '{(char)character}' behind the end of the array, expected nothing");
            case (_, (byte)',' or (byte)']'):
                throw new InvalidDataException($"found '{(char)character}' behind {(_values == 0 ? "the beginning" : $"value {_values:N0}")}, expected a value");
        }

        // The value itself begins with the next call: this line end may be all that there is room for.
        _place = Place.Value;
        if (_values++ == 0) return 0;
        buffer[0] = (byte)'\n';
        return 1;
    }

    // A part of a value.
    private int Inside(Span<byte> buffer)
    {
        var input = _input.AsSpan(_at, Math.Min(_got - _at, buffer.Length));
        var i = 0;
        while (i < input.Length && _place == Place.Value)
        {
            if (_inString)
            {
                i += InString(input[i..], buffer[i..]);
                continue;
            }

            var character = input[i];
            switch (character)
            {
                case (byte)'"':
                    _inString = true;
                    break;
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case (byte)'}' or (byte)']' when _depth > 0:
                    if (--_depth == 0) _place = Place.Behind;
                    break;
                case (byte)',' or (byte)']' when _depth == 0:
                    // A number or a word ends here; what ends it belongs to the array.
                    _place = Place.Behind;
                    _at += i;
                    return i;
                case (byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)' ':
                    character = (byte)' ';
                    if (_depth == 0) _place = Place.Behind;
                    break;
            }

            buffer[i++] = character;
        }

        _at += i;
        return i;
    }

    // A part of a string, as it is: a line end in it is no JSON, and stays for the reader to see.
    private int InString(ReadOnlySpan<byte> input, Span<byte> buffer)
    {
        if (_isEscaped)
        {
            _isEscaped = false;
            buffer[0] = input[0];
            return 1;
        }

        var end = input.IndexOfAny(s_stringEnds);
        var length = end < 0 ? input.Length : end + 1;
        input[..length].CopyTo(buffer);
        if (end < 0) return length;
        _isEscaped = input[end] == (byte)'\\';
        _inString = _isEscaped;
        if (!_inString && _depth == 0) _place = Place.Behind;
        return length;
    }

    private void AssertWhole()
    {
        // A number or a word at the end of the file has nothing behind it.
        if (_place == Place.Value && (_depth > 0 || _inString || _isArray)) throw new InvalidDataException($"ends inside of value {_values:N0}");
        if (_isArray && _place != Place.End) throw new InvalidDataException($"ends behind element {_values:N0} of the array, expected the array's end");
    }
}
