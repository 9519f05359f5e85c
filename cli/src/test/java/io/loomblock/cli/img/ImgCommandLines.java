// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Command lines to compare, by sub-command; {@code @} stands for the directory with the images of {@link ImgFixtures}. */
final class ImgCommandLines {
    static final Map<String, List<String>> GROUPS = new LinkedHashMap<>();

    private ImgCommandLines() {}

    static {
        group("options", """
                foo
                --foo
                -Z
                -T
                -T foo info
                -- info
                --
                ''
                """);
        group("bench", """
                bench
                bench --foo @a.raw
                bench -Z @a.raw
                bench -c
                bench @a.raw @f.raw
                bench @nope.raw
                bench -f raw @nope.raw
                bench -f foo @a.raw
                bench -c 100 @a.raw
                bench -c 100 @a.qed
                bench -c 0x10 -f qed @a.qed
                bench -c 010 -f qed @a.qed
                bench -c 0 -f raw @a.raw
                bench -c -1 -f raw @a.raw
                bench -c x -f raw @a.raw
                bench -c 65k -f raw @a.raw
                bench -c 3000000000 -f raw @a.raw
                bench -c 5 -d 1 -f raw @a.raw
                bench -c 5 -d 1k -f raw @a.raw
                bench -c 5 -d x -f raw @a.raw
                bench -c 5 -d 64 -f raw @a.raw
                bench -c 5000 -d 7 -s 8k -S 4k -o 4096 -f raw @a.raw
                bench -c 10 -s 3000000000 -f raw @a.raw
                bench -c 10 -s x -f raw @a.raw
                bench -c 10 -s 0 -f raw @a.raw
                bench -c 10 -s 1M -f raw @a.raw
                bench -c 3 -s 4M -f raw @a.raw
                bench -c 3 -s 8M -f raw @a.raw
                bench -c 10 -S x -f raw @a.raw
                bench -c 10 -S -1 -f raw @a.raw
                bench -c 10 -S 3000000000 -f raw @a.raw
                bench -c 10 -S 0 -f raw @a.raw
                bench -c 1 -o 7 -s 513 -S 13 -f raw @a.raw
                bench -c 10 -o x -f raw @a.raw
                bench -c 10 -o 9E -f raw @a.raw
                bench -c 10 -o 4M -f raw @a.raw
                bench -c 10 -o 4194000 -f raw @a.raw
                bench -c 10 -o 100M -f raw @a.raw
                bench -c 10 -i foo -f raw @a.raw
                bench -c 10 -i threads -f raw @a.raw
                bench -c 10 -i native -f raw @a.raw
                bench -c 10 -n -f raw @a.raw
                bench -c 10 -n -t none -f raw @a.raw
                bench -c 10 -i native -t none -f raw @a.raw
                bench -c 10 -i native null-co://
                bench -c 10 -t foo -f raw @a.raw
                bench -c 10 -t directsync -f raw @a.raw
                bench -w -c 10 -t writethrough -f raw @a.raw
                bench -c 10 -q -f raw @a.raw
                bench -c 10 -U -f raw @a.raw
                bench -w -c 10 -U -f raw @a.raw
                bench -c 10 --image-opts driver=raw,file.filename=@a.raw
                bench -c 10 --image-opts -f raw driver=raw,file.filename=@a.raw
                bench -c 10 --pattern=4 -f raw @a.raw
                bench -w -c 10 --pattern=256 -f raw @a.raw
                bench -w -c 10 --pattern=x -f raw @a.raw
                bench -w -c 10 --pattern=0x1f -f raw @a.raw
                bench -w -c 10 @a.raw
                bench -w -c 100 -d 4 -s 64k -f qed @empty.qed
                bench -w -c 100 -d 4 -s 64k -f qed @short.qed
                bench -w -c 100 -d 4 --flush-interval=10 -f raw @a.raw
                bench -w -c 105 -d 4 --flush-interval=10 -f raw @a.raw
                bench -w -c 100 -d 4 --flush-interval=4 -f qed @a.qed
                bench -w -c 100 -d 4 --flush-interval=3 -f raw @a.raw
                bench -w -c 100 -d 4 --flush-interval=10 --no-drain -f raw @a.raw
                bench -w -c 100 --no-drain -f raw @a.raw
                bench -c 100 -d 4 --flush-interval=10 -f raw @a.raw
                bench -w --flush-interval=x -f raw @a.raw
                bench -w --flush-interval=-1 -f raw @a.raw
                """);
        group("create", """
                create
                create --foo x
                create -Z
                create -f
                create -f qed
                create -f qed @x.qed
                create -f qed @x.qed 1M 2M
                create -f qed @x.qed 1X
                create -f qed @x.qed -5
                create -f qed -- @x.qed -5
                create -f foo @x.qed 1M
                create -f qed @x.qed 1M
                create -f qed @x.qed 1000
                create -f qed @x.qed 0
                create -f qed @x.qed 1.5M
                create -f qed @x.qed 0x1000
                create -f qed @x.qed 0x10k
                create -f qed @x.qed 1e3
                create -f qed @x.qed 9E
                create -f qed @x.qed 8E
                create -f qed @x.qed 7E
                create -f qed -o cluster_size=4k,table_size=2 @x.qed 1M
                create -f qed -o cluster_size=foo @x.qed 1M
                create -f qed -o foo=1 @x.qed 1M
                create -f qed -o cluster_size=5k @x.qed 1M
                create -f qed -o table_size=3 @x.qed 1M
                create -f qed -o size=2M @x.qed
                create -f qed -o size=2M @x.qed 1M
                create -f qed -o help
                create -f raw @x.raw 1M
                create @x.raw 1M
                create -f raw -o preallocation=full @x.raw 1M
                create -f qed -b @a.raw @b.qed
                create -f qed -b @a.raw -F raw @b.qed
                create -f qed -b @a.raw -F raw @b.qed 2M
                create -f qed -b @nope.raw -F raw @b.qed 2M
                create -f qed -b @nope.raw -F raw @b.qed
                create -f qed -b @nope.raw @b.qed
                create -f qed -u -b @nope.raw -F raw @b.qed 2M
                create -f qed -u -b @nope.raw @b.qed 2M
                create -f qed -u -b @nope.raw -F raw @b.qed
                create -f qed -b @b.qed -F qed @b.qed
                create -f qed -F raw @c.qed 1M
                create -f qed -F foo @c.qed 1M
                create -f qed -b @a.raw -F foo @c.qed 1M
                create -f qed -o backing_file=@a.raw,backing_fmt=raw @c.qed
                create -f raw -b @a.raw -F raw @c.raw
                create -f raw -F raw @c.raw 1M
                create -q -f raw @c.raw 1M
                create -f qed /nonexist/c.qed 1M
                create -f qed /tmp 1M
                create -f qed '' 1M
                create -f qed -o '' @x.qed 1M
                create -f qed -o , @x.qed 1M
                create -f qed -o cluster_size @x.qed 1M
                create -f qed -o cluster_size= @x.qed 1M
                create -f qed -o cluster_size=-4k @x.qed 1M
                create -f qed -o table_size=99999999999999999999 @x.qed 1M
                create -f qed -b @a.raw -F qed @c.qed 1M
                create -f raw -o backing_file=@a.raw @c.raw 1M
                create -f qed foo:bar 1M
                create -f qed '@a b.qed' 1M
                create -f qed -b '' @x.qed 1M
                create --size
                create --quie -f raw x 1M
                create -f raw -o =3 @zz/x 1M
                create -f raw -o 'preallocation=off,' @zz/x 1M
                create -f foo -o help
                create -f qed -o help foo:x
                create -f raw -o help
                create -f raw -o help @x
                create -f qed -o help,cluster_size=4k @x 1M
                create -o help
                create -f raw -o preallocation=foo @x.raw 1M
                create -f raw -o preallocation=metadata @x.raw 1M
                create -f raw -o preallocation=a,,b @x.raw 1M
                create -f raw -o preallocation=FULL @x.raw 1M
                create -f qed -o preallocation=bogus @new.qed 1M
                create -f qed -o preallocation=full @x.qed 1M
                create -f qed -o preallocation=metadata @x.qed 1M
                create -f qed -o nocow=bogus @new.qed 1M
                create -f qed -o extent_size_hint=bogus @new.qed 1M
                create -f raw -o bogus=1 @new.raw 1M
                create -f raw -o preallocation=full host_device:/dev/null 0
                create -f raw -o preallocation=bogus host_device:/dev/null 0
                create -f raw -o nocow=on @zz/x 1M
                create -f raw -o nocow @zz/x 1M
                create -f raw -o nonocow @zz/x 1M
                create -f raw -o nocow=foo @zz/x 1M
                create -f raw -o nocow=off,extent_size_hint=1M @zz/x 1M
                create -f raw -o preallocation=off -o nocow=off @x.raw 1M
                create -f qed -b '/nonexist/b,c d' -u -F raw '@zz/x y' 1M
                create -f qed -o size= @zz/x
                create -f qed -o size=1000 @zz/x
                create -f qed -b 'a.raw' -F raw @zz/x
                create -f qed -qZ
                create -f qed -Zq
                create -fqed -qu
                create -fqed x -qZu
                create --help=x
                create --o
                """);
        group("info", """
                info @x.qed
                info -qf
                info --output
                info --output=
                info --backing
                info --backing=x
                info -Tfoo
                info ''
                info -- -x
                info .
                info
                info a b
                info @nope
                info --output foo @a.raw
                info --outpu=json @a.raw
                info --out json @a.raw
                info -f foo @a.raw
                info -f qed @a.raw
                info @a.raw
                info @a.qed
                info @b.qed
                info --backing-chain @b.qed
                info --output=json @b.qed
                info --output=json --backing-chain @b.qed
                info -U @a.raw
                info --ob
                info --o
                info @p.qed
                info --backing-chain @p.qed
                info --backing-chain --output=json @p.qed
                info --backing-chain @loop1.qed
                info @loop1.qed
                info @future.qed
                info @odd.raw
                info --output=json @odd.raw
                info @f.raw
                info @a.qed
                info @x.qed
                info @x.qed
                info @x.qed
                info @x.raw
                """);
        group("map", """
                map @p.qed
                map --output=json @p.qed
                map --output=json @a.raw
                map @a.raw
                map -s 64k -l 1M @p.qed
                map -s 64k -l 1M --output=json @p.qed
                map -s 100 -l 1000 --output=json @p.qed
                map -s 8M --output=json @p.qed
                map -s 8M @p.qed
                map -s x @p.qed
                map -l x @p.qed
                map -l -1 @p.qed
                map -l 0 @p.qed
                map
                map a b
                map @nope
                map --output=x @p.qed
                map --output=json @odd.raw
                map --output=json @short.qed
                map @short.qed
                map --output=json @x.raw
                map --output=json @x.qed
                map --output=json @x.qed
                map --output=json @x.qed
                map --output=json @x.qed
                map --output=json @x.qed
                map --output=json @x.qed
                map --output=json @big.raw
                map --output=json @f.qed
                map --output=json @x.raw
                map --output=json @x.qed
                map --output=json @x.raw
                map --output=json @x.raw
                map --output=json @x2.qed
                map --output=json @x.qed
                """);
        group("check", """
                check
                check a b
                check @nope
                check @a.raw
                check @a.qed
                check -q @a.qed
                check --output=json @a.qed
                check --output=json @p.qed
                check @p.qed
                check -r foo @a.qed
                check -r leaks @a.qed
                check -r all @a.qed
                check -r all --output=json @a.qed
                check -T foo @a.qed
                check -f raw @a.raw
                check --output=json @a.raw
                check -f foo @a.raw
                check @broken.qed
                check --output=json @broken.qed
                check -q @broken.qed
                check @leaky.qed
                check -r leaks @leaky.qed
                check --output=json @leaky.qed
                check -q @leaky.qed
                check -r all @broken.qed
                check --output=json -r all @broken.qed
                check @lost.qed
                check @future.qed
                check --output=x @a.raw
                check -r
                check -r all @f.raw
                """);
        group("compare", """
                compare
                compare a
                compare a b c
                compare @a.raw @nope
                compare @nope @a.raw
                compare @a.raw @a.qed
                compare -s @a.raw @a.qed
                compare -q -s @a.raw @a.qed
                compare @a.raw @o.qed
                compare -p @a.raw @o.qed
                compare -q @a.raw @o.qed
                compare -p @a.raw @a.qed
                compare -F raw @a.raw @a.qed
                compare -T foo @a.raw @a.qed
                compare -f foo @a.raw @a.qed
                compare -s @f.raw @f.qed
                compare -s @empty.qed @short.qed
                compare -s @short.qed @short.qed
                compare @empty.qed @longer.qed
                compare -s @empty.qed @longer.qed
                compare -q @empty.qed @longer.qed
                compare -p @empty.qed @longer.qed
                compare @empty.qed @longer.raw
                compare @longer.raw @empty.qed
                compare -p @longer.raw @empty.qed
                compare @f.raw @odd.raw
                compare @f.raw @empty.qed
                compare @longer.qed @longer.raw
                compare @f.raw @odd.raw
                compare @p.qed @f.qed
                compare @x.raw @a.raw
                """);
        group("resize", """
                resize
                resize @a.raw
                resize @a.raw 1M 2M
                resize 5M
                resize @f.raw 5M
                resize @a.qed 5M
                resize -f raw @f.raw 5M
                resize -f raw @f.raw 3M
                resize -f raw --shrink @f.raw 3M
                resize -f raw @f.raw +1M
                resize -f raw @f.raw -1M
                resize -f raw --shrink @f.raw -1M
                resize -f raw --shrink @f.raw -100M
                resize -f raw -q @f.raw +1M
                resize -f raw -q @f.raw 1M
                resize -f raw @f.raw foo
                resize -f raw @f.raw +foo
                resize -f raw @f.raw +0
                resize -f raw @f.raw 4M
                resize -f raw @f.raw 4000001
                resize -f raw @f.raw --shrink 4000001
                resize -f raw --preallocation=full @f.raw +1M
                resize -f raw --preallocation full @f.raw -1M
                resize -f raw --preallocation=foo @f.raw +1M
                resize -f raw --preallocation=metadata @f.raw +1M
                resize -f qed --preallocation=full @a.qed +1M
                resize -f qed @a.qed +1000
                resize -f qed @a.qed -1M
                resize -f qed --shrink @a.qed -1M
                resize -f qed @a.qed 128T
                resize -f qed @a.qed 100E
                resize @a.qed +0
                resize @nope +1M
                resize @nope 1M
                resize -- @a.qed -1M
                resize @a.qed -1M --shrink
                resize -p @a.qed 10M
                resize @a.qed 1.5.5M
                resize @a.qed ''
                resize @a.qed -- -1M
                resize -f qed @o.qed 8M
                resize -f qed @short.qed 0
                """);
        group("convert", """
                convert
                convert a
                convert @nope b
                convert @a.raw @x.raw
                convert -p @a.raw @x.raw
                convert -p -O qed @a.raw @x.qed
                convert -q -O qed @a.raw @x.qed
                convert -O foo @a.raw @x.qed
                convert -O qed -c @a.raw @x.qed
                convert -O raw -c @a.raw @x.raw
                convert -O qed -o help
                convert -O qed -o help @a.raw
                convert -O qed -o foo=1 @a.raw @x.qed
                convert -O qed -o cluster_size=5k @a.raw @x.qed
                convert -O qed -o , @a.raw @x.qed
                convert -O qed -o size=1M @a.raw @x.qed
                convert -O qed -o size=8M @a.raw @x.qed
                convert -O qed -B @a.raw @a.raw @x.qed
                convert -O qed -B @a.raw -F raw @a.raw @x.qed
                convert -O qed -B @a.raw -F raw @p.qed @x.qed
                convert -O qed -B @o.qed -F qed @p.qed @x.qed
                convert -O qed -B @small.raw -F raw @short.qed @x.qed
                convert -O qed -B @a.raw -F raw @o.qed @x.qed
                convert -O qed -o backing_file=@a.raw,backing_fmt=raw @p.qed @x.qed
                convert -O qed -o backing_file=@a.raw @p.qed @x.qed
                convert -O qed -B @nope -F raw @p.qed @x.qed
                convert -O qed -B @a.raw -F foo @p.qed @x.qed
                convert -O raw -B @a.raw -F raw @p.qed @x.raw
                convert -O raw -n @a.raw @nope2
                convert -O raw -n @a.raw @small.raw
                convert -O raw -n @a.raw @big.raw
                convert -O raw -n @a.raw -o foo=1 @big.raw
                convert -n -O raw --target-is-zero @a.raw @big.raw
                convert -O raw --target-is-zero @a.raw @big.raw
                convert -n -O qed @p.qed @f.qed
                convert -m 0 @a.raw @x.raw
                convert -m 17 @a.raw @x.raw
                convert -m 16 @a.raw @x.raw
                convert -m x @a.raw @x.raw
                convert -W -m 1 @a.raw @x.raw
                convert -S x @a.raw @x.raw
                convert -S 1 @a.raw @x.raw
                convert -S 1000 @a.raw @x.raw
                convert -S 0 @a.raw @x.raw
                convert -O qed -S 0 @a.raw @x.qed
                convert -S 64k @a.raw @x.raw
                convert -S 512 @longer.raw @x.raw
                convert -S 3G @a.raw @x.raw
                convert -t foo @a.raw @x.raw
                convert -T foo @a.raw @x.raw
                convert -T none -t none @a.raw @x.raw
                convert -l foo @a.raw @x.raw
                convert -l snapshot.id=1 @a.raw @x.raw
                convert -l snapshot.foo=1 @a.raw @x.raw
                convert -l foo @a.qed @x.raw
                convert -r 0 @a.raw @x.raw
                convert -r x @a.raw @x.raw
                convert -r 100M @a.raw @x.raw
                convert --bitmaps @a.raw @x.raw
                convert --salvage @a.raw @x.raw
                convert -C @a.raw @x.raw
                convert -C -S 4k @a.raw @x.raw
                convert -U @a.raw @x.raw
                convert -s foo @a.raw @x.raw
                convert @a.raw @a.qed @x.raw
                convert -f raw -O qed @a.raw @x.raw @x2.qed
                convert -O qed -B @a.raw -F raw @a.raw @a.raw @x.qed
                convert -O qed @a.raw @a.raw
                convert -O qed -o help @a.raw @x.qed
                convert @a.raw /nonexist/a
                convert -p -O qed @a.raw /nonexist/a
                convert --target-image-opts @a.raw driver=raw,file.filename=y.raw
                convert -F raw -O qed @a.raw @x.qed
                convert -f foo @a.raw @x.raw
                convert -O qed -o cluster_size=4k,table_size=16 @a.raw @x.qed
                convert -O raw -o preallocation=full @a.raw @x.raw
                convert -n -O raw --salvage -c @a.raw @x.raw
                convert -D
                convert -B
                convert @a.raw ''
                convert @odd.raw @x.raw
                convert -p -n -O raw @a.raw @small.raw
                convert -O qed -o preallocation=bogus @a.raw @new.qed
                convert -O qed -o bogus=1 @a.raw @new.qed
                convert -O raw -o preallocation=bogus @a.raw @new.raw
                convert -O raw -o bogus=1 @a.raw @new.raw
                """);
        group("amend", """
                amend
                amend @a.raw
                amend -o size=2M
                amend -o size=2M @a.raw @o.qed
                amend -f raw -o size=2M @a.raw
                amend -f raw -o help
                amend -f raw -o ? @a.raw
                amend -f qed -o help
                amend -f qed -o size=2M @o.qed
                amend -o size=2M @o.qed
                amend -q -p -o size=2M @o.qed
                amend -o help @o.qed
                amend -o help
                amend -f foo -o help
                amend -f foo -o a=b @o.qed
                amend -f raw -o a=b @missing
                amend -o size=3M @missing
                amend -t foo -o size=3M @o.qed
                amend -t none -o size=3M @o.qed
                amend -o ,, @o.qed
                amend -o '' @o.qed
                amend -o size=5M, @o.qed
                amend -o size=5M -o cluster_size=4k @o.qed
                amend --force -o size=3M @o.qed
                amend --image-opts -o size=3M driver=qed,file.filename=@o.qed
                amend --image-opts -f qed -o size=3M driver=qed,file.filename=@o.qed
                amend -Z
                amend -o
                amend --foo
                """);
        NameCommandLines.addTo(GROUPS);
    }

    private static void group(String name, String lines) {
        GROUPS.put(name, lines.lines().toList());
    }
}
