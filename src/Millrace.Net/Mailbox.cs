// A loop's mailbox: many threads post, one takes; posting neither blocks nor allocates.
//
//     _head -> newest -> ... -> oldest        posted, linked backwards, pushed by compare-and-swap
//     _batch -> oldest -> ... -> newest       taken in one exchange and reversed; only the loop's thread sees it
//
// The order of the successful compare-and-swaps is the total order of delivery: what is taken goes behind what was
// taken before.
//
// No wake-up is lost (see EventLoop.Post and EventLoop.PrepareToSleep): a poster first pushes, then reads the loop's
// state; the loop first sets its state to Asleep, then reads _head. Each pair is separated by a full fence (the
// interlocked operation), so at least one side sees the other: either the poster sees Asleep and wakes, or the loop
// sees the mail and does not sleep. Of several posters that see Asleep the one that swaps it to Woken wakes, so a sleep
// costs at most one system call.
//
// Cost: O(1) to post, O(batch) to reverse.

namespace Millrace.Net;

internal sealed class Mailbox
{
    private Mail? _head;
    private Mail? _batch;
    private Mail? _newestInBatch; // its end, while there is one

    /// <summary>There is a batch in hand. On the loop's thread.</summary>
    public bool HasBatch => _batch is not null;

    /// <summary>Mail is waiting. On the loop's thread.</summary>
    public bool HasMail => _batch is not null || Volatile.Read(ref _head) is not null;

    /// <summary>Appends a letter. Any thread; a full fence.</summary>
    public void Push(Mail mail)
    {
        Mail? head = Volatile.Read(ref _head);
        while (true)
        {
            mail.Next = head;
            Mail? seen = Interlocked.CompareExchange(ref _head, mail, head);
            if (ReferenceEquals(seen, head)) return;
            head = seen;
        }
    }

    /// <summary>The next letter of the batch in hand, which stays there; null: none.</summary>
    public Mail? NextInBatch => _batch;

    /// <summary>The next letter of the batch in hand.</summary>
    public Mail? TakeFromBatch()
    {
        Mail? mail = _batch;
        if (mail is null) return null;
        _batch = mail.Next;
        mail.Next = null;
        return mail;
    }

    /// <summary>Takes everything posted so far into the batch in hand, behind what is left of it.</summary>
    public void Gather()
    {
        if (Volatile.Read(ref _head) is null) return;
        Mail newest = Interlocked.Exchange(ref _head, null)!;
        Mail? oldest = null;
        for (Mail? mail = newest; mail is not null;)
        {
            Mail? older = mail.Next;
            mail.Next = oldest;
            oldest = mail;
            mail = older;
        }
        if (_batch is null) _batch = oldest;
        else _newestInBatch!.Next = oldest;
        _newestInBatch = newest;
    }
}
