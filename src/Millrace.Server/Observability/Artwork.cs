using System.Text;

namespace Millrace.Server.Observability;

/// <summary>The picture of LOLWUT: a mill wheel in its race, turned by chance.</summary>
/// <remarks>Each cell is decided alone, from its distance and angle to the hub or its depth in the water.
/// O(cells).</remarks>
internal static class Artwork
{
    private const int Columns = 44;
    private const int Rows = 17;
    private const int WaterRow = 13;
    private const double Radius = 7.2;
    private const int Spokes = 8;

    /// <summary>Draws the wheel.</summary>
    /// <param name="turn">How far it has turned, in radians.</param>
    public static string Wheel(double turn)
    {
        var text = new StringBuilder((Columns + 1) * Rows);
        for (var row = 0; row < Rows; row++)
        {
            var line = new StringBuilder(Columns);
            for (var column = 0; column < Columns; column++) line.Append(Cell(row, column, turn));
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    private static char Cell(int row, int column, double turn)
    {
        // A character is about twice as high as it is wide.
        var x = (column - (Columns / 2)) / 2.0;
        var y = row - 7.5;
        var distance = Math.Sqrt((x * x) + (y * y));
        if (distance < 0.8) return 'O';
        if (Math.Abs(distance - Radius) < 0.45) return '#';
        if (distance < Radius && OffSpoke(x, y, turn) * distance < 0.4) return '*';
        if (row < WaterRow || distance < Radius) return ' ';
        return Math.Sin((column * 0.55) + (row * 1.3) + (turn * Spokes)) > 0 ? '~' : '-';
    }

    // The angle to the nearest spoke.
    private static double OffSpoke(double x, double y, double turn)
    {
        const double between = 2 * Math.PI / Spokes;
        var angle = (Math.Atan2(y, x) + turn) % between;
        if (angle < 0) angle += between;
        return Math.Min(angle, between - angle);
    }
}
