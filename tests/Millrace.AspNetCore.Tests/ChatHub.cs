using Microsoft.AspNetCore.SignalR;

namespace Millrace.AspNetCore.Tests;

/// <summary>A hub whose clients talk to all, to groups and to users.</summary>
internal sealed class ChatHub : Hub
{
    public Task Say(string from, int number) => Clients.All.SendAsync("Heard", from, number);

    public Task SayToGroup(string group, string from, int number) =>
        Clients.Group(group).SendAsync("Heard", from, number);

    public Task SayToUser(string user, string from, int number) =>
        Clients.User(user).SendAsync("Heard", from, number);

    public Task SayToOthers(string from, int number) => Clients.Others.SendAsync("Heard", from, number);

    public Task Join(string group) => Groups.AddToGroupAsync(Context.ConnectionId, group);

    public Task Leave(string group) => Groups.RemoveFromGroupAsync(Context.ConnectionId, group);
}

/// <summary>A user is who the address says.</summary>
internal sealed class UserOfAddress : IUserIdProvider
{
    public string? GetUserId(HubConnectionContext connection) =>
        connection.GetHttpContext()?.Request.Query["user"].ToString();
}
