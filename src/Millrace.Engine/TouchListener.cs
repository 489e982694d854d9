namespace Millrace.Engine;

/// <summary>Hears of the keys that units of one loop have touched and that somebody tracks.</summary>
public abstract class TouchListener
{
    /// <summary>Called while the unit holds its partitions: it posts and returns.</summary>
    /// <param name="touched">What to tell; it is cleared afterwards.</param>
    public abstract void Tell(TouchedKeys touched);
}
