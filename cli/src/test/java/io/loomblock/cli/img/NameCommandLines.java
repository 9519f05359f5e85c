// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import java.util.List;
import java.util.Map;

/** Command lines to compare on how images are named: {@code json:}, {@code --image-opts}, prefixes, relative backing files. */
final class NameCommandLines {
    private static final String JSON = """
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","file.filename":"@o.qed"}'
            info 'json:{"file.filename":"@o.qed"}'
            info 'json:{"driver":"file","filename":"@o.qed"}'
            info 'json:{"filename":"@o.qed"}'
            info 'json:{"driver":"qed","filename":"@o.qed"}'
            info 'json:'
            info 'json: '
            info 'json:[]'
            info 'json:1'
            info 'json:{"driver":"qed"'
            info 'json:{"driver":qed}'
            info 'json:{bad'
            info 'json:{bad}'
            info 'json:{bad:1}'
            info 'json:{"a":1,b:2}'
            info 'json:{"a":[bad]}'
            info 'json:{1:2}'
            info 'json:{-1}'
            info 'json:{{}:1}'
            info 'json:{"a":1,}'
            info 'json:{,}'
            info 'json:{"a":[1,]}'
            info 'json:{"a":}'
            info 'json:{"a"}'
            info 'json:{"a" 1}'
            info 'json:{"a":1 "b":2}'
            info 'json:{"a":1 x}'
            info 'json:{"a":[1 2]}'
            info 'json:}'
            info 'json:{"a":[1}'
            info 'json:{"a":{"b":1]'
            info 'json:@'
            info 'json:{"a":@}'
            info 'json:{}'
            info 'json:{} 1'
            info 'json:{"driver":"qed"}'
            info 'json:{"driver":"qed","driver":"raw","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","file.filename":"@o.qed","foo":1}'
            info 'json:{"driver":"qed","file.filename":"@o.qed","file.foo":1}'
            info 'json:{"driver":"qed","file.filename":"@o.qed","file":{"driver":"file"}}'
            info 'json:{"driver":"qed","file.filename":"@nope","file":{"filename":"@o.qed"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed"},"backing":null}'
            info 'json:{"driver":"qed","file":"foo"}'
            info 'json:{"driver":"raw","file":"foo","file.filename":"@a.raw"}'
            info 'json:{"driver":"qed","file":null}'
            info 'json:{"driver":"qed","file":{},"x":[]}'
            info 'json:{"driver":"qed","file":["a"]}'
            info 'json:{"driver":"qed","file.filename":"@o.qed","x":99999999999999999999}'
            info 'json:{"driver":"qed","read-only":true,"file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","read-only":"yes","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","read-only":3,"file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","detect-zeroes":"foo","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","detect-zeroes":"unmap","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","discard":"foo","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","cache":{"direct":true},"file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","cache":{"direct":"yes"},"file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","cache.direct":"foo","file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","cache.writeback":true,"file":{"driver":"file","filename":"@o.qed"}}'
            info 'json:{"driver":"qed","file":{"driver":"file"}}'
            info 'json:{"driver":"qed","file":{"locking":"off"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","locking":"off"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","locking":"maybe"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","aio":"foo"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","aio":"native"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","aio":"io_uring"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","drop-cache":"foo"}}'
            info 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed","drop-cache":false,"aio-max-batch":5}}'
            info 'json:{"driver":"file"}'
            info 'json:{"driver":"raw","file":{"driver":"qed","filename":"@o.qed"}}'
            info 'json:{"driver":"raw","file":{"driver":"qed","file":{"driver":"file","filename":"@o.qed"}}}'
            info 'json:{"driver":"raw","file":{"driver":"null-co","size":"1M"}}'
            info 'json:{"driver":"null-co","read-zeroes":true,"size":1048576}'
            info 'json:{"driver":"null-co"}'
            info null-co://
            info null-co:x
            info -f raw 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed"}}'
            info -f qed 'json:{"driver":"qed","file":{"driver":"file","filename":"@o.qed"}}'
            info -f qed 'json:{"file":{"driver":"file","filename":"@o.qed"}}'
            info --backing-chain 'json:{"file":{"driver":"file","filename":"@p.qed"}}'
            info --output=json 'json:{"file":{"driver":"file","filename":"@p.qed"}}'
            create -f qed 'json:{"driver":"file","filename":"@n.qed"}' 1M
            create -f qed -b 'json:{"driver":"raw","file":{"filename":"@a.raw"}}' -F raw @n.qed
            create -f qed -b 'json:{"file":{"filename":"@a.raw"}}' @n.qed
            info @n.qed
            info --backing-chain @n.qed
            map @n.qed
            check 'json:{"driver":"qed","file.filename":"@o.qed"}'
            check --output=json 'json:{"driver":"qed","file.filename":"@o.qed"}'
            map 'json:{"driver":"qed","file":{"filename":"@o.qed"},"backing":null}'
            map 'json:{"driver":"qed","file":{"filename":"@o.qed"},"backing":"foo"}'
            map 'json:{"driver":"qed","file":{"filename":"@o.qed"},"backing":{"read-only":true}}'
            map 'json:{"driver":"qed","file":{"filename":"@o.qed"},"backing":{"driver":"qed"}}'
            map 'json:{"driver":"qed","file":{"filename":"@o.qed"},"backing":{"driver":"null-co"}}'
            map 'json:{"driver":"qed","file":{"filename":"@o.qed"},"backing":{"file.filename":"@f.raw"}}'
            map 'json:{"driver":"raw","file":"foo","file.filename":"@a.raw"}'
            convert -n -f qed @o.qed 'json:{"driver":"raw","file.filename":"@big.raw"}'
            convert -f qed @o.qed 'json:{"driver":"raw","file.filename":"@y.raw"}'
            resize 'json:{"file.filename":"@f.raw"}' +1M
            resize 'json:{"driver":"raw","read-only":true,"file.filename":"@f.raw"}' +1M
            """;

    private static final String OPTIONS = """
            info --image-opts driver=qed,file.filename=@o.qed
            info --image-opts file.filename=@o.qed
            info --image-opts @o.qed
            info --image-opts filename=@o.qed
            info --image-opts driver=qed
            info --image-opts driver=qed,file.filename
            info --image-opts driver=qed,read-only,file.filename=@o.qed
            info --image-opts driver=qed,noread-only,file.filename=@o.qed
            info --image-opts driver=qed,read-only=yes,file.filename=@o.qed
            info --image-opts driver=qed,read-only=foo,file.filename=@o.qed
            info --image-opts driver=qed,,foo,file.filename=@o.qed
            info --image-opts =foo
            info --image-opts ''
            info --image-opts driver=qed,file.filename=@o.qed,
            info --image-opts -f qed file.filename=@o.qed
            info --image-opts driver=qed,file.filename=@o.qed,foo=1
            info --image-opts driver=qed,file.filename=@o.qed,file.foo=1
            info --image-opts driver=qed,file=foo
            info --image-opts driver=qed,file=foo,file.filename=@o.qed
            info --image-opts driver=foo,file.filename=@o.qed
            info --image-opts driver=qed,file.driver=foo,file.filename=@o.qed
            info --image-opts driver=qed,driver=raw,file.filename=@o.qed
            info --image-opts driver=qed,id=a,file.filename=@o.qed
            info --image-opts driver=qed,id=1a,file.filename=@o.qed
            info --image-opts driver=qed,file.filename=@o.qed,help
            info --image-opts driver=qed,file.filename=@o.qed,node-name=foo
            info --image-opts driver=qed,file.filename=@o.qed,node-name=1foo
            info --image-opts driver=qed,file.filename=file:@o.qed
            info --image-opts --backing-chain driver=qed,file.filename=@p.qed
            info --image-opts --output=json driver=qed,file.filename=@p.qed
            check --image-opts driver=qed,file.filename=@o.qed
            check --image-opts --output=json driver=qed,file.filename=@o.qed
            check --image-opts -f qed driver=qed,file.filename=@o.qed
            check --image-opts -r all driver=qed,read-only=on,file.filename=@o.qed
            compare --image-opts driver=qed,file.filename=@o.qed file.filename=@o.qed
            compare --image-opts -F raw driver=qed,file.filename=@o.qed file.filename=@a.raw
            compare --image-opts -f raw driver=qed,file.filename=@o.qed file.filename=@a.raw
            compare --image-opts driver=qed,file.filename=@o.qed file.filename=@nope
            map --image-opts driver=qed,file.filename=@o.qed
            map --image-opts -f qed driver=qed,file.filename=@o.qed
            convert --image-opts driver=qed,file.filename=@o.qed -O raw @y.raw
            convert --image-opts -f qed driver=qed,file.filename=@o.qed -O raw @y.raw
            convert --target-image-opts -f qed @o.qed driver=raw,file.filename=@y.raw
            convert -n --target-image-opts -f qed @o.qed driver=raw,file.filename=@y.raw
            convert -n --target-image-opts -O raw -f qed @o.qed driver=raw,file.filename=@y.raw
            convert -n --target-image-opts -f qed @o.qed file.filename=@y.raw
            resize --image-opts driver=raw,file.filename=@y.raw +1M
            resize --image-opts -f raw driver=raw,file.filename=@y.raw +1M
            resize --image-opts file.filename=@y.raw +1M
            """;

    private static final String PREFIXES = """
            info file:@o.qed
            info file:file:@o.qed
            info --backing-chain file:@p.qed
            info @colon:name.qed
            info file:@colon:name.qed
            map @colon:name.qed
            create -f qed -b colon:base.raw -F raw @colon:other.qed
            create -f qed -b file:@colon:base.raw -F raw @colon:other.qed
            info @colon:other.qed
            map file:@colon:other.qed
            """;

    private static final String FILTERS = """
            info blkdebug::@o.qed
            info blkdebug:@o.qed
            info blkdebug:@nope:@o.qed
            map blkdebug::@o.qed
            info 'json:{"driver":"qed","file":{"driver":"blkdebug","image":{"driver":"file","filename":"@o.qed"}}}'
            info 'json:{"driver":"qed","file":{"driver":"blkdebug","align":4096,"image":{"driver":"file","filename":"@o.qed"}}}'
            info 'json:{"driver":"qed","file":{"driver":"blkdebug","align":"4k","image":{"driver":"file","filename":"@o.qed"}}}'
            info 'json:{"driver":"qed","file":{"driver":"blkdebug","image":"foo"}}'
            info 'json:{"driver":"qed","file":{"driver":"blkdebug"}}'
            info 'json:{"driver":"qed","file":{"driver":"blkdebug","image":{"driver":"file","filename":"@o.qed"},"foo":1}}'
            info 'json:{"driver":"qed","file":{"driver":"blkdebug","set-state":[{"event":"l1_update","new_state":42}],"image":{"driver":"file","filename":"@o.qed"}}}'
            info --image-opts driver=qed,file.driver=blkdebug,file.align=4k,file.image.filename=@o.qed
            info --image-opts driver=blkdebug,image.filename=@o.qed
            info --image-opts driver=blkdebug,inject-error.0.event=none,image.filename=@o.qed
            info 'json:{"driver":"blkdebug","image":{"filename":"@o.qed"}}'
            info 'json:{"driver":"copy-on-read","file":{"filename":"@o.qed"}}'
            info copy-on-read:@o.qed
            create -f raw null-co:// 1M
            create -f raw -o help null-co://
            create -f qed blkdebug::@n.qed 1M
            convert -O raw @o.qed blkdebug::@y.raw
            info blkverify:@a.raw:@a.qed
            info blkverify:@a.raw
            info 'json:{"driver":"qed","file":{"driver":"blkverify","raw":{"driver":"file","filename":"@o.qed"},"test":{"driver":"file","filename":"@o.qed"}}}'
            map 'json:{"driver":"qed","file":{"driver":"blkverify","raw":{"driver":"file","filename":"@o.qed"},"test":{"driver":"file","filename":"@o.qed"}}}'
            """;

    private NameCommandLines() {}

    static void addTo(Map<String, List<String>> groups) {
        groups.put("names as JSON", JSON.lines().toList());
        groups.put("names as options", OPTIONS.lines().toList());
        groups.put("names of filters", FILTERS.lines().toList());
        groups.put("names with prefixes", PREFIXES.lines().toList());
    }
}
