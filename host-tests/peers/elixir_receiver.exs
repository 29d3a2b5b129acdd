# An MLLP receiver for the tests, on Erlang's gen_tcp, which answers in original
# and in enhanced mode and speaks MLLP Release 1 and 2.
#
#   elixir elixir_receiver.exs [--code AA] [--commit CA] [--release one|two] [--negative N]
#
# Original mode (MSH-15 and MSH-16 empty): one acknowledgment with --code.
# Enhanced mode (HL7 v2.5 2.9.3): a commit acknowledgment with --commit where
# MSH-15 asks for one, then an application acknowledgment with --code where
# MSH-16 asks for one (table 0155: AL, NE, ER, SU; empty is NE). None follows a
# commit acknowledgment of CE or CR. A --code of CA, CE or CR stands for --commit
# there, and no application acknowledgment follows.
#
# With --release two every content block is answered with a commit block first,
# a negative one for the first N, which are then forgotten; and every reply
# waits for the sender's own commit block, and is sent again for a negative one.
#
# Prints "listening PORT"; "received CONTROL_ID LENGTH" for each message (LENGTH:
# the bytes between the framing bytes); and in Release 2 "negative" for each
# delivery it does not commit, and "committed" or "negated" for each of the
# sender's commit blocks. Ends when its standard input reaches end of file.

defmodule Receiver do
  @start 0x0B
  @ends <<0x1C, 0x0D>>
  @commit <<0x0B, 0x06, 0x1C, 0x0D>>
  @negative <<0x0B, 0x15, 0x1C, 0x0D>>

  @socket [
    :binary,
    ip: {127, 0, 0, 1},
    active: false,
    backlog: 64,
    buffer: 262_144,
    nodelay: true
  ]

  def listen(options) do
    {:ok, listener} = :gen_tcp.listen(0, @socket)
    {:ok, port} = :inet.port(listener)
    # Deliveries yet to be answered with a negative commit block, of all connections.
    left = :counters.new(1, [])
    :counters.put(left, 1, options.negative)
    say("listening #{port}")
    spawn(fn -> accept(listener, Map.put(options, :left, left)) end)
  end

  defp accept(listener, options) do
    {:ok, socket} = :gen_tcp.accept(listener)
    server = spawn(fn -> receive do: (:yours -> serve(socket, options)) end)
    :ok = :gen_tcp.controlling_process(socket, server)
    send(server, :yours)
    accept(listener, options)
  end

  # The rest of what was read is kept with the socket: blocks may come together.
  defp serve(socket, options, rest \\ "") do
    case block(socket, rest) do
      {:ok, content, rest} -> serve(socket, options, take(socket, options, content, rest))
      :error -> :gen_tcp.close(socket)
    end
  catch
    reason ->
      IO.puts(:stderr, "refused: #{reason}")
      :gen_tcp.close(socket)
  end

  defp take(socket, %{release: :two} = options, content, rest) do
    if :counters.get(options.left, 1) > 0 do
      :counters.sub(options.left, 1, 1)
      say("negative")
      :gen_tcp.send(socket, @negative)
      rest
    else
      header = header(content)
      :gen_tcp.send(socket, @commit)
      Enum.reduce(acknowledgments(header, options), rest, &committed(socket, &1, &2))
    end
  end

  defp take(socket, options, content, rest) do
    for reply <- acknowledgments(header(content), options), do: :gen_tcp.send(socket, reply)
    rest
  end

  # Sends a reply and waits for the sender's commit block.
  defp committed(socket, reply, rest) do
    :gen_tcp.send(socket, reply)

    case block(socket, rest) do
      {:ok, <<0x06>>, rest} ->
        say("committed")
        rest

      {:ok, <<0x15>>, rest} ->
        say("negated")
        committed(socket, reply, rest)

      {:ok, _content, _rest} ->
        throw("content where a commit block was due")

      :error ->
        throw("no commit block")
    end
  end

  # The next block's content and what follows it.
  defp block(socket, read) do
    case :binary.split(read, @ends) do
      [<<@start, content::binary>>, rest] -> {:ok, content, rest}
      [_, _] -> throw("no start block")
      [_] -> more(socket, read)
    end
  end

  defp more(socket, read) do
    case :gen_tcp.recv(socket, 0) do
      {:ok, data} -> block(socket, read <> data)
      {:error, _} -> :error
    end
  end

  # The fields of MSH by their numbers.
  defp header(<<"MSH", separator::binary-size(1), _::binary>> = content) do
    [segment | _] = :binary.split(content, "\r")
    fields = :binary.split(segment, separator, [:global])
    header = [separator | tl(fields)] |> Enum.with_index(1) |> Map.new(fn {f, n} -> {n, f} end)
    say(["received ", field(header, 10), " #{byte_size(content)}"])
    header
  end

  defp header(_content), do: throw("no MSH")

  defp field(header, number), do: Map.get(header, number, "")

  defp acknowledgments(header, options) do
    case {field(header, 15), field(header, 16)} do
      {"", ""} ->
        [acknowledgment(header, options.code, [])]

      {accept, application} ->
        %{code: code, commit: commit} = options
        follows = commit == "CA" and String.starts_with?(code, "A") and due?(application, code)

        Enum.concat(
          if(due?(accept, commit), do: [acknowledgment(header, commit, [])], else: []),
          # It asks for no acknowledgment in turn.
          if(follows, do: [acknowledgment(header, code, ["", "", "NE", "NE"])], else: [])
        )
    end
  end

  # Table 0155.
  defp due?("AL", _code), do: true
  defp due?("ER", code), do: code not in ["AA", "CA"]
  defp due?("SU", code), do: code in ["AA", "CA"]
  defp due?(_, _code), do: false

  defp acknowledgment(header, code, types) do
    # Both separate as the message does.
    separator = field(header, 1)
    component = binary_part(field(header, 2), 0, 1)
    [_type | event] = :binary.split(field(header, 9), component, [:global])
    type = ["ACK" | event |> Enum.take(1) |> Enum.map(&[component, &1])]

    msh = [
      ["MSH", separator, field(header, 2)],
      field(header, 5),
      field(header, 6),
      field(header, 3),
      field(header, 4),
      "20261123120000",
      "",
      type,
      ["R", code, field(header, 10)],
      field(header, 11),
      field(header, 12) | types
    ]

    segments = [msh, ["MSA", code, field(header, 10)]]
    content = for fields <- segments, do: [Enum.intersperse(fields, separator), "\r"]
    [@start, content, @ends]
  end

  def say(line), do: IO.binwrite([line, "\n"])
end

{given, [], []} =
  OptionParser.parse(System.argv(),
    strict: [code: :string, commit: :string, release: :string, negative: :integer]
  )

code = Keyword.get(given, :code, "AA")
commit = if String.starts_with?(code, "C"), do: code, else: "CA"

Receiver.listen(%{
  code: code,
  commit: Keyword.get(given, :commit, commit),
  release: Map.fetch!(%{"one" => :one, "two" => :two}, Keyword.get(given, :release, "one")),
  negative: Keyword.get(given, :negative, 0)
})

IO.stream(:stdio, :line) |> Stream.run()
System.halt(0)
